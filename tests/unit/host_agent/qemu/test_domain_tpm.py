"""What of a running domain its TPM's rehearsal needs."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host_agent.domain.uefi import Store, Uefi
from host_agent.errors import EvidenceError
from host_agent.evidence.hardware import Tpm
from host_agent.evidence.running import Running
from host_agent.qemu import domain_tpm
from host_agent.qemu.binary import Identity, QemuBinary
from tests.unit.host_agent.shared.cases import DEFINITION, RUNNING

_NUMBERS = dict.fromkeys(("device", "inode", "modified", "size"), 1)


def us() -> Running:
    return replace(RUNNING, pid=os.getpid())


def test_the_image_of_a_file_that_was_replaced(tmp_path: Path) -> None:
    code = tmp_path / "CODE.fd"
    code.write_text("old", encoding="ascii")
    link = tmp_path / "CODE.secboot.fd"
    link.symlink_to(code.name)
    with code.open("rb"):
        assert domain_tpm._replaced(us(), str(code)) is None
        newer = tmp_path / "new"
        newer.write_text("new", encoding="ascii")
        newer.rename(code)
        for name in (code, link):
            found = domain_tpm._replaced(us(), str(name))
            assert found is not None
            with os.fdopen(found, "rb") as file:
                assert file.read() == b"old"
    assert domain_tpm._replaced(us(), str(code)) is None


def test_of_a_process_that_is_gone() -> None:
    assert domain_tpm._replaced(replace(RUNNING, pid=1 << 30), "/CODE.fd") is None


def of_store(path: Path) -> tuple[str, ...]:
    return ("qemu", "-drive", f"file={path},if=pflash,format=raw,unit=1")


def test_the_store_of_the_next_start(tmp_path: Path) -> None:
    template = tmp_path / "VARS.fd"
    template.write_bytes(b"of a new guest")
    store = Store(path=None, form="raw", template="/VARS.fd", template_form="raw")
    uefi = Uefi(secure=None, secure_boot=None, enrolled_keys=None, store=store)
    running = replace(RUNNING, arguments=of_store(tmp_path / "kept.fd"))
    guest = Tpm(pcrs=("00" * 32,) * 8, log=None, events=(), tokens=None)
    # No memory is read of one that came from nowhere.
    domain: Any = None
    one = domain_tpm.DomainTpm(domain, running, replace(DEFINITION, uefi=uefi), guest)
    binary = QemuBinary(
        path="qemu",
        source="qemu",
        pid=None,
        root=tmp_path,
        identity=Identity(**_NUMBERS, build_id=""),
    )

    def found(*arguments: str) -> bytes | None:
        return one._store_of_start(arguments, binary, b"kept")

    assert found(*running.arguments) == found("qemu") == b"kept"
    other = of_store(tmp_path / "other.fd")
    assert found(*other) == b"of a new guest"
    (tmp_path / "other.fd").write_bytes(b"there")
    assert found(*other) == b"there"
    # On another host there is what came along.
    assert one._store_elsewhere(running.arguments, binary, b"kept") == b"kept"
    assert one._store_elsewhere(("qemu",), binary, b"kept") == b"kept"
    with pytest.raises(EvidenceError, match=r"another variable store, .*/other\.fd, which is not"):
        one._store_elsewhere(other, binary, b"kept")
    without = domain_tpm.DomainTpm(domain, running, DEFINITION, guest)
    assert without._store_of_start(of_store(tmp_path / "third.fd"), binary, b"kept") is None


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("qemu", "-device", '{"driver":"tpm-crb","id":"tpm0","tpmdev":"t"}'), ["tpm-crb"]),
        (("qemu", "-device", "tpm-tis,tpmdev=t,id=tpm0"), ["tpm-tis"]),
        (("qemu", "-device", "tpm-spapr,tpmdev=t", "-tpmdev", "emulator,id=t"), []),
    ],
)
def test_models(arguments: tuple[str, ...], found: list[str]) -> None:
    assert list(domain_tpm._tpms(arguments)) == found

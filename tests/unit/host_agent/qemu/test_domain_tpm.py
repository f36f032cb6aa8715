"""What of a running domain its TPM's rehearsal needs."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from host_agent.evidence.running import Running
from host_agent.qemu import domain_tpm
from tests.unit.host_agent.shared.cases import RUNNING


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

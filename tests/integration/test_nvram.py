"""Variable stores of real firmware, read by the bounded program: right facts, or a sentence."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from host_agent.evidence.nvram import Nvram
from host_agent.missing import Missing, Reason
from host_agent.qemu.nvram_decoder import NvramDecoder
from host_agent.qemu.nvram_place import JSON, QCOW2, RAW, Place
from tests import nvram_stores

ROOT = Path("/")
OWNER = "00112233-4455-6677-8899-aabbccddeeff"
DEBIAN = "Debian UEFI Secure Boot (PK/KEK key)"
OLD = {
    "PK": [DEBIAN],
    "KEK": [DEBIAN, "Microsoft Corporation KEK CA 2011"],
    "db": ["Microsoft Windows Production PCA 2011", "Microsoft Corporation UEFI CA 2011"],
    "dbx": [],
}
BOTH = {
    "PK": [DEBIAN],
    "KEK": [*OLD["KEK"], "Microsoft Corporation KEK 2K CA 2023"],
    "db": [
        "Microsoft Windows Production PCA 2011", "Windows UEFI CA 2023",
        "Microsoft Corporation UEFI CA 2011", "Microsoft UEFI CA 2023",
        "Microsoft Option ROM UEFI CA 2023",
    ],
    "dbx": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def decoder() -> NvramDecoder:
    return NvramDecoder()


def names(found: Nvram | Missing) -> dict[str, list[str | None]]:
    assert isinstance(found, Nvram), found
    return {
        name: [one.subject for one in database.certificates]
        for name, database in found.databases.items()
    }


def stored(path: Path, content: bytes) -> Place:
    path.write_bytes(content)
    return Place(path=str(path), form=RAW)


@pytest.mark.parametrize(
    ("name", "keys", "revoked"),
    [
        ("bookworm", {}, 0), ("bookworm.ms", OLD, 1), ("bookworm-2m.ms", OLD, 1),
        ("trixie.ms", OLD, 1), ("forky.ms", BOTH, 443),
    ],
)  # fmt: skip
def test_templates_of_debian(
    name: str, keys: dict[str, list[str]], revoked: int, decoder: NvramDecoder, tmp_path: Path
) -> None:
    found = decoder.at(stored(tmp_path / "store", nvram_stores.template(name)), ROOT)
    assert isinstance(found, Nvram)
    assert names(found) == keys
    assert sum(database.hashes for database in found.databases.values()) == revoked
    assert found.secure_boot is bool(keys)


def test_a_store_of_arm64_is_looked_at_no_further_than_it_goes(
    decoder: NvramDecoder, tmp_path: Path
) -> None:
    content = nvram_stores.template("bookworm-aarch64.ms")
    assert len(content) == 64 << 20
    assert names(decoder.at(stored(tmp_path / "store", content), ROOT)) == OLD


def test_what_is_known_of_a_certificate(decoder: NvramDecoder, tmp_path: Path) -> None:
    found = decoder.at(stored(tmp_path / "store", nvram_stores.template("trixie.ms")), ROOT)
    assert isinstance(found, Nvram)
    one = found.databases["db"].certificates[1]
    assert one.subject == "Microsoft Corporation UEFI CA 2011"
    assert one.issuer == "Microsoft Corporation Third Party Marketplace Root"
    assert str(one.not_after) == "2026-06-27"
    assert one.sha256 == "48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507"
    assert found.boot[0].path.startswith("FvName(")
    assert [entry.pci for entry in found.boot.values()] == [(), ((0x1F, 2),)]


def test_a_certificate_that_was_added_is_there(decoder: NvramDecoder, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ours")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "ours.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    store = tmp_path / "store"
    store.write_bytes(nvram_stores.template("trixie.ms"))
    made = nvram_stores.edited(
        store,
        "--add-db",
        OWNER,
        str(file),
        "--append-boot-filepath",
        "\\EFI\\x.efi",
        made=tmp_path / "made",
    )
    before, found = (decoder.at(Place(path=str(path), form=RAW), ROOT) for path in (store, made))
    assert isinstance(before, Nvram)
    assert isinstance(found, Nvram)
    assert names(found) == OLD | {"db": [*OLD["db"], "Ours"]}
    assert found.databases["db"].certificates[-1].sha256 == (
        certificate.fingerprint(hashes.SHA256()).hex()
    )
    assert found.databases["KEK"] == before.databases["KEK"]
    assert found.databases["db"].sha256 != before.databases["db"].sha256
    assert found.boot[found.boot_order[-1]].path == "FilePath(\\EFI\\x.efi)"


def test_secure_boot_that_the_setup_switched_off(decoder: NvramDecoder, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_bytes(nvram_stores.template("forky.ms"))
    made = nvram_stores.edited(store, "--set-false", "SecureBootEnable", made=tmp_path / "made")
    found = decoder.at(Place(path=str(made), form=RAW), ROOT)
    assert isinstance(found, Nvram)
    assert (found.secure_boot_enable, found.secure_boot) == (False, False)


def test_a_store_in_json_is_the_same(decoder: NvramDecoder, tmp_path: Path) -> None:
    raw = stored(tmp_path / "store", nvram_stores.template("forky.ms"))
    made = nvram_stores.as_json(Path(raw.path), tmp_path / "store.json")
    assert decoder.at(Place(path=str(made), form=JSON), ROOT) == decoder.at(raw, ROOT)


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
def test_a_store_in_qcow2_is_the_same_and_is_not_touched(
    decoder: NvramDecoder, tmp_path: Path
) -> None:
    raw = stored(tmp_path / "store", nvram_stores.template("trixie.ms"))
    image = tmp_path / "store.qcow2"
    subprocess.run(
        ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw.path, str(image)], check=True
    )
    before = image.read_bytes(), image.stat().st_mtime_ns
    assert decoder.at(Place(path=str(image), form=QCOW2), ROOT) == decoder.at(raw, ROOT)
    assert (image.read_bytes(), image.stat().st_mtime_ns) == before


def test_a_store_without_variables_in_it(decoder: NvramDecoder, tmp_path: Path) -> None:
    for content in (b"", b"\xff" * 540672, bytes(540672), b"x" * 1000):
        found = decoder.at(stored(tmp_path / "store", content), ROOT)
        assert isinstance(found, Missing)
        assert found.reason is Reason.FAILED


def test_a_torn_store_is_none(decoder: NvramDecoder, tmp_path: Path) -> None:
    found = decoder.at(stored(tmp_path / "store", nvram_stores.template("trixie.ms")[:2000]), ROOT)
    assert isinstance(found, Missing)
    assert "the variable store can't be read" in found.sentence
    found = decoder.of(JSON, b'{"version": 2, "variables": [')
    assert isinstance(found, Missing)
    assert isinstance(decoder.of(JSON, b"{}"), Missing)


def test_what_changes_with_every_reading_is_not_believed(decoder: NvramDecoder) -> None:
    found = decoder.at(Place(path="/proc/sys/kernel/random/uuid", form=RAW), ROOT)
    assert isinstance(found, Missing)
    assert "changes as fast as it is read" in found.sentence


def test_of_a_file_without_end_only_so_much_is_read(decoder: NvramDecoder, tmp_path: Path) -> None:
    large = tmp_path / "store"
    with large.open("wb") as file:
        file.truncate(1 << 40)
    for form in (RAW, QCOW2):
        assert isinstance(decoder.at(Place(path=str(large), form=form), ROOT), Missing)


@pytest.mark.parametrize("path", ["/nonesuch", "/dev/null", "/tmp"])
def test_what_is_no_file(path: str, decoder: NvramDecoder) -> None:
    found = decoder.at(Place(path=path, form=RAW), ROOT)
    assert isinstance(found, Missing)
    assert path in found.sentence


def test_a_pipe_is_not_waited_for(decoder: NvramDecoder, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "store")
    assert isinstance(decoder.at(Place(path=str(tmp_path / "store"), form=RAW), ROOT), Missing)


def test_memory_is_bounded() -> None:
    found = NvramDecoder(memory=1 << 20).of(RAW, nvram_stores.template("trixie.ms"))
    assert isinstance(found, Missing)
    assert "the variable store can't be read" in found.sentence


def many_variables(number: int) -> bytes:
    variables = [
        {"name": f"V{one}", "guid": OWNER, "attr": 3, "data": "00" * 64} for one in range(number)
    ]
    return json.dumps({"version": 2, "variables": variables}).encode()


def test_processor_time_is_bounded() -> None:
    content = many_variables(10_000)
    assert isinstance(NvramDecoder().of(JSON, content), Nvram)
    found = NvramDecoder(processor_seconds=0.001).of(JSON, content)
    assert isinstance(found, Missing)
    assert "does not come to an end" in found.sentence


def test_after_one_that_failed_the_next_is_read(decoder: NvramDecoder) -> None:
    assert isinstance(decoder.of(RAW, b"nothing"), Missing)
    assert isinstance(decoder.of(RAW, nvram_stores.template("trixie.ms") + b"\xff"), Nvram)


def test_the_program_may_have_ended_meanwhile(decoder: NvramDecoder) -> None:
    assert isinstance(decoder.of(RAW, nvram_stores.template("trixie.ms")), Nvram)
    (process,) = decoder._running
    process.kill()
    process.wait()
    assert isinstance(decoder.of(RAW, nvram_stores.template("forky.ms") + b"\xff"), Nvram)


def test_what_was_read_once_is_remembered(decoder: NvramDecoder) -> None:
    content = nvram_stores.template("bookworm.ms")
    assert decoder.of(RAW, content) is decoder.of(RAW, content)


def test_without_virt_firmware_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "virt").mkdir()
    (tmp_path / "virt/__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = NvramDecoder().of(RAW, nvram_stores.template("trixie.ms"))
    assert isinstance(found, Missing)
    assert found.reason is Reason.ABSENT
    assert "python3-virt-firmware" in (found.remedy or "")


LOOK = """
import sys
from pathlib import Path
from host_agent.qemu.nvram_decoder import NvramDecoder
from host_agent.qemu.nvram_place import RAW, Place
print(NvramDecoder().at(Place(path=sys.argv[1], form=RAW), Path("/")).secure_boot)
"""
TRACED = "strace -f -y -e trace=%file,%desc -o"
CHANGING = (
    "O_WRONLY O_RDWR O_TRUNC O_CREAT write flock F_SETLK F_OFD_SETLK truncate fallocate unlink "
    "rename chmod chown utime"
)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_store_is_opened_to_be_read_and_never_locked(tmp_path: Path) -> None:
    place = stored(tmp_path / "store", nvram_stores.template("trixie.ms"))
    trace = tmp_path / "trace"
    command = [*TRACED.split(), str(trace), sys.executable, "-c", LOOK, place.path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    touching = [
        line for line in trace.read_text(encoding="utf-8").splitlines() if place.path in line
    ]
    opened = [line for line in touching if "openat(" in line]
    assert opened
    assert all("O_RDONLY|" in line for line in opened)
    assert not [line for line in touching if any(word in line for word in CHANGING.split())]


def test_a_variable_is_known_by_its_vendor_too(tmp_path: Path, decoder: NvramDecoder) -> None:
    """virt-firmware's list keeps the last variable of a name, whoever its vendor is."""
    plain = stored(tmp_path / "plain.fd", nvram_stores.template("trixie.ms"))
    store = nvram_stores.as_json(Path(plain.path), made=tmp_path / "store.json")
    found = decoder.at(Place(path=str(store), form=JSON), ROOT)
    assert names(found) == OLD
    content = json.loads(store.read_bytes())
    for name in ("PK", "db", "BootOrder", "SecureBootEnable", "Boot0000"):
        content["variables"].append({"name": name, "guid": OWNER, "attr": 7, "data": "01"})
    store.write_text(json.dumps(content), encoding="utf-8")
    again = decoder.at(Place(path=str(store), form=JSON), ROOT)
    assert isinstance(found, Nvram)
    assert isinstance(again, Nvram)
    assert again == replace(found, variables=found.variables + 5)


_LOADED_LATER = """
import sys
from pathlib import Path
from host_agent.qemu.nvram_decoding import Library
from tests import nvram_stores
stores = [nvram_stores.template(name) for name in ("bookworm.ms", "forky.ms")]
library = Library()
before = set(sys.modules)
for store in stores:
    assert library.read("raw", store)["databases"]
print(*sorted(set(sys.modules) - before))
"""


def test_all_is_loaded_while_there_are_rights_to_read_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED_LATER], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []

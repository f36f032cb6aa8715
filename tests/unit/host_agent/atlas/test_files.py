"""Atlases as files, right and wrong, and those that are shipped."""

import gzip
import lzma
from pathlib import Path

import pytest

from host_agent.atlas import atlas
from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import SCHEMA
from host_agent.atlas.files import (
    MAX_BYTES,
    compressed,
    is_shipped_name,
    read,
    read_shipped,
    shipped,
)
from host_agent.errors import UsageError
from host_agent.firmware import acpi, smbios
from host_agent.firmware.fingerprint import LOADER
from tests.fingerprint_builder import atlas as made
from tests.fingerprint_builder import machine

WHOLE = made(machine("pc-i440fx-7.2"))
TEXT = atlas.to_text(WHOLE)
PLAIN = TEXT.encode()
XZ, GZIP = lzma.compress(PLAIN), gzip.compress(PLAIN)
NEWER = TEXT.replace(f'"samemachine_atlas": {SCHEMA}', f'"samemachine_atlas": {SCHEMA + 1}')
BOMB = b"[" + b" " * (MAX_BYTES + 1) + b"]"


@pytest.mark.parametrize("name", ["a.json", "a.json.xz", "a.json.gz", "a"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(compressed(TEXT, file))
    assert read(file) == WHOLE
    assert compressed(TEXT, file) == compressed(atlas.to_text(read(file)), file)


@pytest.mark.parametrize("raw", [XZ, GZIP, PLAIN])
def test_the_contents_and_not_the_name_tell_how_it_is_compressed(
    tmp_path: Path, raw: bytes
) -> None:
    file = tmp_path / "atlas.bin"
    file.write_bytes(raw)
    assert read(file) == WHOLE


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "can't be used: it is no whole JSON"),
        (PLAIN[:-20], "can't be used: it is no whole JSON"),
        (XZ[:-20], "is cut short: copy it again"),
        (XZ[:20], "is cut short"),
        (GZIP[:-20], "is cut short"),
        (GZIP[:2], "is cut short"),
        (XZ[:60] + b"????" + XZ[64:], "is damaged"),
        (GZIP[:60] + b"????" + GZIP[64:], "is damaged"),
        (GZIP[:-8] + bytes(8), "is damaged"),
        (BOMB, "is larger than 16 MiB"),
        (gzip.compress(BOMB, 1), "unpacks to more than 16 MiB"),
        (lzma.compress(BOMB, preset=0), "unpacks to more than 16 MiB"),
        (b"\xff\xfe" + PLAIN, "it is no text"),
        (gzip.compress(b"\xff"), "it is no text"),
        (b"\x7fELF" + bytes(100), "can't be used: it is no whole JSON"),
        (b"{}", "it is JSON, but no atlas"),
        (b"\xef\xbb\xbf" + PLAIN, "can't be used: it is no whole JSON"),
        (NEWER.encode(), "schema 2, this samemachine reads up to 1; update samemachine"),
    ],
    ids=range(18),
)
def test_what_is_no_atlas_is_refused_by_name(tmp_path: Path, raw: bytes, said: str) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(raw)
    with pytest.raises(UsageError, match=said) as refused:
        read(file)
    assert str(refused.value).startswith(str(file))


def test_what_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path, tmp_path / ("n" * 300)):
        with pytest.raises(UsageError, match="can't be read: "):
            read(path)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("debian:bookworm", True), ("a.json.xz", False), ("/", False), ("x:" + "n" * 300, True),
     ("live", False)],
)  # fmt: skip
def test_a_colon_tells_a_shipped_atlas(name: str, is_one: bool) -> None:
    assert is_shipped_name(name) is is_one


def test_a_file_of_that_name_is_taken_before_a_shipped_atlas(tmp_path: Path) -> None:
    file = tmp_path / "debian:bookworm"
    file.touch()
    assert not is_shipped_name(str(file))


@pytest.mark.parametrize("name", ["debian:sid", "debian:", ":", "../x:y", "debian:bookworm:hppa"])
def test_an_atlas_that_is_not_shipped_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(UsageError, match=r"there are: .*debian:bookworm:x86_64, ") as refused:
        read_shipped(name)
    assert repr(name) in str(refused.value)


def test_a_suite_alone_is_that_of_x86() -> None:
    assert read_shipped("debian:trixie") == read_shipped("debian:trixie:x86_64")


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_atlas_is_whole(name: str) -> None:
    whole = read_shipped(name)
    assert name.endswith(f":{whole.made.architecture}")
    assert whole.made.package
    assert len({one.name for one in whole.machines}) == len(whole.machines)
    # Two boards have one name in all versions.
    assert len(whole.machines) > 10 or name.endswith((":riscv64", ":loongarch64"))
    assert atlas.from_text(atlas.to_text(whole)) == whole
    for one in whole.machines:
        assert (one.fingerprint is None) is bool(one.error)
        if one.fingerprint is None:
            continue
        if one.fingerprint.smbios is not None:
            assert smbios.split(one.fingerprint.smbios).build() == one.fingerprint.smbios
        if one.fingerprint.acpi is not None:
            tables = one.fingerprint.acpi
            assert acpi.split(tables.build()) == tables
            left = acpi.loader(one.fingerprint.files[LOADER]).checksums
            states = {table.checksum(left) for table in tables.tables}
            assert acpi.Checksum.WRONG not in states


def test_the_shipped_atlases_are_those_of_every_suite_and_architecture() -> None:
    suites = ("bullseye", "bookworm", "bookworm-backports", "trixie", "forky")
    assert set(shipped()) == {
        f"debian:{suite}:{architecture}"
        for suite in suites
        for architecture in ("x86_64", "aarch64", "ppc64", "riscv64", "loongarch64", "s390x")
        if (suite, architecture) != ("bullseye", "loongarch64")
    }


def test_no_atlas_is_near_the_limit() -> None:
    sizes = [len(atlas.to_text(atlas_files.read_shipped(name))) for name in shipped()]
    assert max(sizes) * 10 < MAX_BYTES

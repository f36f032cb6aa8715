"""The shipped facts of firmware packages."""

import json
from importlib import resources

import pytest

from host_agent.evidence.known_certificates import SUCCESSORS
from host_agent.firmware import images, packages

OVMF, AAVMF = "/usr/share/OVMF/", "/usr/share/AAVMF/"
MS = f"{OVMF}OVMF_VARS_4M.ms.fd"
NEW = [pair.new for pair in SUCCESSORS]
DEBIANS = [f"debian:{name}" for name in ("bullseye", "bookworm", "trixie", "forky")]


def test_the_data_is_small_and_names_each_certificate() -> None:
    raw = resources.files("host_agent").joinpath("data", "firmware.json").read_bytes()
    assert len(raw) < 100_000
    form = json.loads(raw)
    named = {one["sha256"] for one in form["certificates"]}
    used = {
        fingerprint
        for package in form["packages"]
        for file in package["files"]
        for database in file.get("databases", {}).values()
        for fingerprint in database["certificates"]
    }
    assert named == used
    assert {pair.old for pair in SUCCESSORS} | set(NEW) <= named


@pytest.mark.parametrize(
    ("release", "names"),
    [
        ("debian:bullseye", {"ovmf"}),
        ("debian:bookworm", {"ovmf"}),
        ("debian:bookworm-backports", {"ovmf"}),
        ("debian:trixie", {"ovmf"}),
        # There "ovmf" is empty, and needs the others.
        ("debian:forky", {"ovmf-generic"}),
        ("ubuntu:focal", {"ovmf"}),
        ("ubuntu:noble", {"ovmf"}),
        ("ubuntu:resolute", {"ovmf-generic", "ovmf-generic-hwe"}),
        ("debian:sarge", set()),
    ],
)
def test_which_package_has_a_file(release: str, names: set[str]) -> None:
    assert {package.name for package, _ in packages.holding(MS, release)} == names


def test_a_package_may_be_empty() -> None:
    empty = [one for one in packages.all_packages() if not one.files]
    assert ("debian:forky", "ovmf") in {(one.release, one.name) for one in empty}


def test_a_link_is_what_it_leads_to() -> None:
    ((_, link),) = packages.holding(f"{OVMF}OVMF_CODE_4M.ms.fd", "debian:trixie")
    ((_, image),) = packages.holding(f"{OVMF}OVMF_CODE_4M.secboot.fd", "debian:trixie")
    assert link.size == image.size == 3653632
    ((_, other),) = packages.holding("/usr/share/qemu-efi/QEMU_EFI.fd", "debian:bookworm")
    assert other.size is None


@pytest.mark.parametrize("folder", [OVMF, AAVMF])
def test_who_has_the_certificates_of_2023(folder: str) -> None:
    told = {one.release for one in packages.with_certificates(NEW, folder)}
    assert "debian:forky" in told
    assert not {"debian:bookworm", "debian:trixie", "ubuntu:focal"} & told


def test_a_store_is_known_by_its_keys() -> None:
    ((_, file),) = packages.holding(MS, "debian:bookworm")
    assert file.databases is not None
    # An update of dbx from within the guest leaves its keys.
    digests = {**file.databases, "dbx": "00" * 32}
    told = [one.release for one in packages.with_keys(digests, OVMF)]
    assert told == DEBIANS[:3]
    assert packages.with_keys({**digests, "db": "00" * 32}, OVMF) == ()
    found = packages.with_keys(digests, OVMF)[1]
    assert str(found) == f"ovmf {found.version} (debian:bookworm)"


def test_images_that_were_given_up_or_have_grown() -> None:
    """What a plan says of Debian's images, held against its packages."""
    sizes = {
        release: {
            file.path: file.size
            for package in packages.all_packages()
            if package.release == release
            for file in package.files
        }
        for release in DEBIANS
    }
    for path in images.GIVEN_UP:
        assert [path in sizes[release] for release in DEBIANS] == [True, True, False, False], path
    for path in images._STAYING:
        assert all(path in sizes[release] for release in DEBIANS), path
        flash = path.startswith("/usr/share/qemu-efi-aarch64")
        assert flash or len({sizes[release][path] for release in DEBIANS}) == 1, path
    for path in images._GROWN:
        assert [sizes[release][path] for release in DEBIANS] == [1 << 21] * 2 + [1 << 22] * 2, path

"""What can't be a matrix is a usage error, before any host is started."""

import argparse
from pathlib import Path

import pytest

from tests.lab import images
from tests.lab.matrix import command, sides
from tests.lab.matrix.sides import SideError

WISH = "--from", "bookworm", "--to", "trixie"


def code(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    return command.command(parser.parse_args(["matrix", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--from", "buzz", "--to", "trixie"), "'buzz' is no suite"),
        ((*WISH, "--arch", "mips"), "no guests of 'mips'; there are of x86_64, aarch64"),
        (("--from", "trixie", "--to", "forky", "--arch", "arm64"), "'forky' is no suite"),
        (("--from", "trixie", "--to", "trixie+/nowhere"), "no .deb in /nowhere"),
        ((*WISH, "--lanes", "0"), "--lanes is 1 or more"),
        ((*WISH, "--to", "forky", "--format", "json"), "--format is of one"),
        ((*WISH, "--known-issues", "/nowhere"), "No such file"),
    ],
)  # fmt: skip
def test_usage_errors(
    arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(*arguments) == 2
    assert why in capsys.readouterr().err


def test_packages_are_laid_over_a_suite(tmp_path: Path) -> None:
    (tmp_path / "qemu.deb").touch()
    found = sides.side(f"trixie+{tmp_path}")
    assert found.image.laid_over == (tmp_path / "qemu.deb",)
    assert (found.suite, found.image.suite) == ("trixie", "trixie")
    assert sides.side("trixie").image is images.TRIXIE


def installed(place: Path, suite: str) -> Path:
    """Make what of an installed system is looked at; its links are its own."""
    (place / "etc").mkdir(parents=True)
    (place / "etc/os-release").symlink_to("/usr/lib/os-release")
    (place / "usr/lib").mkdir(parents=True)
    (place / "usr/lib/os-release").write_text(
        f"ID=debian\nVERSION_CODENAME={suite}\n", encoding="utf-8"
    )
    for name in (*sides._NEEDED, "usr/bin/qemu-system-x86_64"):
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return place


def test_an_installed_root(tmp_path: Path) -> None:
    root = installed(tmp_path, "trixie")
    found = sides.side(str(root))
    assert (found.suite, found.name) == ("trixie", str(root))
    assert images.host_root(found.image) == root
    (root / "usr/sbin/libvirtd").unlink()
    with pytest.raises(SideError, match="has no usr/sbin/libvirtd: install"):
        sides.side(str(root))


def test_no_installed_root(tmp_path: Path) -> None:
    other = installed(tmp_path / "other", "noble")
    for text, why in (
        (f"{tmp_path}/none", "there is no folder"),
        (str(tmp_path), "is no root of a Debian"),
        (str(other), "is of noble suite; hosts are of bookworm, bookworm-backports"),
    ):
        with pytest.raises(SideError, match=why):
            sides.side(text)

"""What can't be a matrix is a usage error, before any host is started."""

import argparse
from pathlib import Path

import pytest

from tests.lab import images
from tests.lab.matrix import command, sides

WISH = "--from", "bookworm", "--to", "trixie"


def code(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    return command.command(parser.parse_args(["matrix", *arguments]))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--from", "buzz", "--to", "trixie"), "'buzz' is no suite"),
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

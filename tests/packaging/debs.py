"""Our Debian packages, built from this checkout once, and the same with an older version."""

import re
import subprocess
import tarfile
from pathlib import Path

from tests.checkout import CHECKOUT
from tests.lab import cache, make_deb

OLDER = "0.0.9-1"
_PACKED = ("guest_agent", "host_agent", "proto", "packaging", "LICENSE", "NEWS.md", "README.md")


def dependencies() -> list[str]:
    """Return what our packages need from Debian, by the names in debian/control."""
    control = (CHECKOUT / "packaging/debian/control").read_text(encoding="utf-8")
    paragraphs = re.findall(r"^Depends:\n((?:[ #].*\n)+)", control, re.MULTILINE)
    names = re.findall(r"^ ([a-z0-9][a-z0-9.+-]+)", "".join(paragraphs), re.MULTILINE)
    return sorted({"python3", *names} - {"python3-samemachine"})


def autopkgtests() -> list[str]:
    """Return the commands in debian/tests/control."""
    control = (CHECKOUT / "packaging/debian/tests/control").read_text(encoding="utf-8")
    return re.findall(r"^Test-Command: (.+)$", control, re.MULTILINE)


def folder(version: str | None = None) -> Path:
    """Return a folder with the packages, the source package and what dpkg-buildpackage wrote."""
    files = make_deb.made_of(_PACKED)
    options = ("--version", version, "--", "--build=binary") if version else ()

    def make(place: Path) -> None:
        (place / "log").write_text(make_deb.run(place, *options), encoding="utf-8")

    recipe = cache.key("debs 1", version or "", *files, *files.values())
    return cache.build("older-debs" if version else "debs", recipe, make)


def packages(version: str | None = None) -> list[Path]:
    """Return the binary packages."""
    return sorted(folder(version).glob("*.deb"))


def contents(deb: Path) -> dict[str, int]:
    """Return path → mode of what is no folder in a package."""
    data = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    with data, tarfile.open(fileobj=data.stdout, mode="r|") as tar:
        return {entry.name.removeprefix("."): entry.mode for entry in tar if not entry.isdir()}

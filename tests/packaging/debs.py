"""Our Debian packages, built from this checkout once, and the same with an older version."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.lab import cache
from tests.lab.images import CHECKOUT

OLDER = "0.0.9-1"
MAKE = CHECKOUT / "packaging/make-deb"
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
    files = sorted(
        file
        for name in _PACKED
        for file in ([CHECKOUT / name] if (CHECKOUT / name).is_file() else _below(name))
    )
    made_of = cache.key(
        "debs 1", version or "", *(f"{file.relative_to(CHECKOUT)}" for file in files),
        *(file.read_bytes() for file in files),
    )  # fmt: skip

    def make(place: Path) -> None:
        command = [sys.executable, str(MAKE), "--output", str(place)]
        if version:
            command += ["--version", version, "--", "--build=binary"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False,
        )  # fmt: skip
        (place / "log").write_text(done.stdout, encoding="utf-8")
        if done.returncode:
            raise RuntimeError(f"make-deb exited {done.returncode}:\n{done.stdout[-4000:]}")

    return cache.build("older-debs" if version else "debs", made_of, make)


def packages(version: str | None = None) -> list[Path]:
    """Return the binary packages."""
    return sorted(folder(version).glob("*.deb"))


def contents(deb: Path) -> dict[str, int]:
    """Return path → mode of what is no folder in a package."""
    data = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    with data, tarfile.open(fileobj=data.stdout, mode="r|") as tar:
        return {
            entry.name.removeprefix("."): entry.mode for entry in tar if not entry.isdir()
        }  # fmt: skip


def _below(name: str) -> list[Path]:
    return [
        file
        for file in (CHECKOUT / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]

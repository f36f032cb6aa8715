"""Which firmware packages hold which images, stores and keys, from data that is shipped. Pure.

The data (``data/firmware.json``, made by ``packaging/pack-firmware``) was read from the packages of
Debian's and Ubuntu's archives. What is not in there is not established, never "no". It is read
once, when it is first asked for.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_DATA = "data", "firmware.json"
_KEYS = "PK", "KEK", "db"
"""The databases by which a template is known again: dbx is updated from within guests."""
_WITHOUT_OWN = {"debian:bookworm-backports": "debian:bookworm"}
"""Suites that have no package of edk2, and those that they add to."""
_SIGNING = frozenset({"KEK", "db"})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a firmware package."""

    path: str
    size: int | None
    """Bytes, of what a link leads to; None: that is another package's."""
    databases: Mapping[str, str] | None = None
    """Of a variable store the SHA-256 of each of PK, KEK, db and dbx that is set; None: it is an
    image."""
    certificates: frozenset[str] = frozenset()
    """SHA-256 of the certificates in KEK and db."""
    template: bool = False
    """Whether a descriptor names it as the template of a new guest's store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A binary package, as a release has it."""

    release: str
    """``debian:trixie``"""
    name: str
    version: str
    """As it was when it was read: a release's updates may bring other keys."""
    files: tuple[File, ...]
    """Empty: it only needs others, as ``ovmf`` does from Debian's forky on."""

    def __str__(self) -> str:
        """Return for example ``ovmf 2025.02-8+deb13u1 (debian:trixie)``."""
        return f"{self.name} {self.version} ({self.release})"


@cache
def all_packages() -> tuple[Package, ...]:
    """Return all that are known, in the order of releases."""
    file = resources.files("host_agent").joinpath(*_DATA)
    form = json.loads(file.read_text(encoding="utf-8"))
    return tuple(_package(one) for one in form["packages"])


def holding(path: str, release: str) -> tuple[tuple[Package, File], ...]:
    """Return the packages of a release that have this file."""
    release = _WITHOUT_OWN.get(release, release)
    return tuple(
        (package, file)
        for package in all_packages()
        if package.release == release
        for file in package.files
        if file.path == path
    )


def with_keys(digests: Mapping[str, str], folder: str) -> tuple[Package, ...]:
    """Return the packages whose template in a folder has just these keys.

    ``digests``: the SHA-256 of each database of a store.
    """
    wanted = [digests.get(name) for name in _KEYS]
    return tuple(
        package
        for package, file in _templates(folder)
        if [(file.databases or {}).get(name) for name in _KEYS] == wanted
    )


def with_certificates(fingerprints: Iterable[str], folder: str) -> tuple[Package, ...]:
    """Return the packages whose template in a folder has all these certificates in KEK or db."""
    wanted = frozenset(fingerprints)
    return tuple(package for package, file in _templates(folder) if wanted <= file.certificates)


def _templates(folder: str) -> Iterator[tuple[Package, File]]:
    for package in all_packages():
        for file in package.files:
            if file.template and file.path.startswith(folder):
                yield package, file


def _package(form: Mapping[str, Any]) -> Package:
    known = {one["path"]: one for one in form["files"]}
    return Package(
        release=form["release"],
        name=form["package"],
        version=form["version"],
        files=tuple(_file(one, known.get(one.get("link"), one)) for one in form["files"]),
    )


def _file(form: Mapping[str, Any], target: Mapping[str, Any]) -> File:
    """Return a file; ``target``: where it leads to, within its package, else itself."""
    databases = target.get("databases")
    return File(
        path=form["path"],
        size=target.get("size"),
        databases=None
        if databases is None
        else {name: one["sha256"] for name, one in databases.items()},
        certificates=frozenset(
            fingerprint
            for name, one in (databases or {}).items()
            if name in _SIGNING
            for fingerprint in one["certificates"]
        ),
        template="template_of" in form,
    )

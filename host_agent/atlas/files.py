"""Atlases as files, and the ones that are shipped with the project."""

import gzip
import lzma
import zlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from host_agent import given_file
from host_agent.atlas import atlas
from host_agent.atlas.atlas import Atlas, AtlasError
from host_agent.difference import series
from host_agent.domain import architectures
from host_agent.errors import UsageError

# Some 25 times what an atlas has.
MAX_BYTES = 16 * 1024 * 1024
# What xz says that it needs for what it has packed at its best is 65 MiB.
_MAX_XZ = 96 * 1024 * 1024
SHIPPED = "data/atlases"
_ENDING = ".json.xz"
DEFAULT_ARCHITECTURE = "x86_64"


def shipped() -> Mapping[str, str]:
    """Return the names of shipped atlases, with their files.

    ``debian:bookworm:x86_64`` is ``debian_bookworm@x86_64.json.xz``.
    """
    folder = resources.files("host_agent").joinpath(*SHIPPED.split("/"))
    if not folder.is_dir():
        return {}
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(_ENDING))
    return {
        name.removesuffix(_ENDING).replace("_", ":", 1).replace("@", ":"): name for name in names
    }


def is_shipped_name(name: str) -> bool:
    """Tell whether a name is meant for a shipped atlas and not for a file."""
    try:
        return ":" in name and not Path(name).exists()
    except OSError:
        # No file can have such a name, for example because it is too long.
        return True


def read_shipped(name: str, *, states: bool = True) -> Atlas:
    """Return a shipped atlas by ``debian:SUITE`` or ``debian:SUITE:ARCHITECTURE``.

    ``states``: whether with what is sent of devices in a migration. Raises ``UsageError`` with the
    names there are.
    """
    there = shipped()
    release, _, word = name.rpartition(":")
    file = (
        there.get(name)
        or there.get(f"{release}:{architectures.kept_as(word)}")
        or there.get(f"{name}:{DEFAULT_ARCHITECTURE}")
    )
    if file is None:
        names = ", ".join(there) or "none"
        raise UsageError(f"there is no shipped atlas {name!r}; there are: {names}")
    place = resources.files("host_agent").joinpath(*SHIPPED.split("/"), file)
    return _parse(_decompressed(place.read_bytes(), name), name, states=states)


def read(path: Path) -> Atlas:
    """Read an atlas, plain or compressed by xz or gzip; raises ``UsageError``."""
    try:
        raw = given_file.read(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    return _parse(_decompressed(raw, str(path)), str(path))


def nearest(architecture: str, version: str | None) -> Atlas | None:
    """Return the shipped atlas of a QEMU of this version, or of its series; None: there is none.

    ``architecture``: libvirt's word for the guest's, or QEMU's.
    """
    named = None if version is None else nearest_named(architecture, version)
    return None if named is None else named[1]


def nearest_named(architecture: str, version: str) -> tuple[str, Atlas] | None:
    """Return the like, with its name before it."""
    near: list[tuple[str, Atlas]] = []
    for name in shipped():
        if name.endswith(f":{architectures.kept_as(architecture)}"):
            try:
                atlas_ = read_shipped(name)
            except UsageError:
                # A damaged installation costs a forecast, and nothing else.
                continue
            if series(atlas_.made.qemu) == series(version):
                near.append((name, atlas_))
    exact = (one for one in near if one[1].made.qemu == version)
    return next(exact, near[0] if near else None)


def compressed(text: str, path: Path) -> bytes:
    """Return an atlas as it is written to a file: compressed where the file's name says so."""
    raw = text.encode()
    if path.suffix == ".xz":
        return lzma.compress(raw, preset=9)
    return gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw


def _decompressed(raw: bytes, name: str) -> bytes:
    try:
        if raw.startswith(b"\xfd7zXZ\0"):
            return _unpacked(lzma.LZMADecompressor(memlimit=_MAX_XZ), raw, name)
        if raw.startswith(b"\x1f\x8b"):
            plain = zlib.decompressobj(wbits=31)
            data = plain.decompress(raw, MAX_BYTES + 1)
            return _whole(data, ended=plain.eof, name=name)
    except (lzma.LZMAError, zlib.error) as error:
        raise UsageError(f"{name} is damaged: {error}") from error
    return raw


def _unpacked(decompressor: lzma.LZMADecompressor, raw: bytes, name: str) -> bytes:
    data = decompressor.decompress(raw, MAX_BYTES + 1)
    return _whole(data, ended=decompressor.eof, name=name)


def _whole(data: bytes, *, ended: bool, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} unpacks to more than {MAX_BYTES // 1024**2} MiB: no atlas does")
    if not ended:
        raise UsageError(f"{name} is cut short: copy it again, or make it again")
    return data


def _parse(raw: bytes, name: str, *, states: bool = True) -> Atlas:
    try:
        return atlas.from_text(raw.decode("utf-8"), states=states)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no atlas: it is no text") from error
    except AtlasError as error:
        raise UsageError(f"{name} can't be used: {error}") from error

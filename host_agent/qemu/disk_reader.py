"""Parts of a domain's disks: read as they are, never locked, never written.

Of a disk in qcow2 QEMU's own tool reads them (QEMU ``docs/tools/qemu-img.rst``, ``-U``). It opens
the files that are declared, in the formats that are declared, and nothing that an image says.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from host_agent import bounded, inside_root
from host_agent.domain.disk_layers import RAW, Layer
from host_agent.qemu import image_tool

_QCOW2 = "qcow2"
_READ_SECONDS = 30.0
_MOST_HEAD = 1 << 30
_PIECE = 1 << 16


def head(layers: tuple[Layer, ...] | None, root: Path, length: int) -> bytes:
    """Return a disk's first bytes, fewer where it has no more.

    Raises ``OSError``, ``CallTimeoutError``.
    """
    found = _read_by(layers)
    if found == RAW:
        # It may lie on another machine's disk, which may be gone.
        return bounded.call(lambda: _raw_head(layers, root, length), _READ_SECONDS)
    target = os.memfd_create("disk-head")
    try:
        _tool(["dd", "-U", "-O", "raw", f"bs={length}", "count=1", f"if={_named(layers)}"], target)
        with os.fdopen(os.dup(target), "rb") as file:
            file.seek(0)
            return file.read(length)
    finally:
        os.close(target)


def copy(
    layers: tuple[Layer, ...] | None, root: Path, area: tuple[int, int], target: int, most: int
) -> int:
    """Copy an area, its begin and its length in bytes, to the same place in an open file.

    What is zeros takes no room there. Returns how many bytes were written; raises ``OSError``, as
    where it would be more than ``most``, and ``CallTimeoutError``.
    """
    begin, length = area
    if _read_by(layers) == RAW:
        # One that is not waited for any more writes on: the number may be another file's then.
        own = os.dup(target)
        return bounded.call(lambda: _raw_copy(layers, root, area, own, most), _READ_SECONDS)
    between = os.memfd_create("disk-part")
    try:
        node = {"driver": RAW, "offset": begin, "size": length, "file": _node(tuple(layers or ()))}
        _tool(["convert", "-U", "-O", "raw", f"json:{json.dumps(node)}"], between, length)
        return _copied(between, (0, length), target, begin, most)
    finally:
        os.close(between)


def _read_by(layers: tuple[Layer, ...] | None) -> str:
    """Return what reads it; raises ``OSError``."""
    if layers is None:
        raise OSError(0, "its files and their formats are not all declared")
    if layers[0].form == RAW:
        return RAW
    if {one.form for one in layers} - {RAW, _QCOW2}:
        raise OSError(0, f"the format {layers[0].form} is not read")
    return _QCOW2


def _opened(layers: tuple[Layer, ...] | None, root: Path) -> int:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(inside_root.resolved(root, (layers or ())[0].path), flags)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        os.close(descriptor)
        raise OSError(0, "it is no file")
    return descriptor


def _raw_head(layers: tuple[Layer, ...] | None, root: Path, length: int) -> bytes:
    with os.fdopen(_opened(layers, root), "rb") as file:
        return file.read(length)


def _raw_copy(
    layers: tuple[Layer, ...] | None, root: Path, area: tuple[int, int], target: int, most: int
) -> int:
    """Copy it, and close ``target``."""
    with os.fdopen(target, "wb", buffering=0):
        source = _opened(layers, root)
        try:
            return _copied(source, area, target, area[0], most)
        finally:
            os.close(source)


def _copied(source: int, area: tuple[int, int], target: int, to: int, most: int) -> int:
    begin, length = area
    written = 0
    for at in _pieces(source, begin, begin + length):
        piece = os.pread(source, min(_PIECE, begin + length - at), at)
        if piece.count(0) < len(piece):
            written += len(piece)
            if written > most:
                raise OSError(errno.EFBIG, "it holds more than is copied")
            os.pwrite(target, piece, to + at - begin)
    return written


def _pieces(source: int, begin: int, end: int) -> Iterator[int]:
    """Yield where there may be something else than zeros."""
    at = begin
    while at < end:
        try:
            at = max(at, os.lseek(source, at, os.SEEK_DATA))
            hole = os.lseek(source, at, os.SEEK_HOLE)
        except OSError:
            # Nothing but zeros follows, or its end.
            return
        while at < min(hole, end):
            yield at
            at += _PIECE


def _named(layers: tuple[Layer, ...] | None) -> str:
    return f"json:{json.dumps(_node(tuple(layers or ())))}"


def _node(layers: Sequence[Layer]) -> dict[str, Any]:
    first, *rest = layers
    file = {"driver": "file", "filename": first.path, "locking": "off"}
    node: dict[str, Any] = {"driver": first.form, "file": file}
    if first.form == _QCOW2:
        node["backing"] = _node(rest) if rest else None
    return node


def _tool(arguments: Sequence[str], target: int, size: int = _MOST_HEAD) -> None:
    """Have ``qemu-img`` write to a descriptor; raises ``OSError``."""
    place = image_tool.place(target)
    words = [*arguments, f"of={place}" if arguments[0] == "dd" else place]
    # Its files are the domain's, which only root may read.
    code = image_tool.run(words, (target,), size, without_rights=False)
    if code == image_tool.ABSENT:
        raise OSError(0, "qemu-img is not installed")
    if code:
        raise OSError(0, "qemu-img can't read it")

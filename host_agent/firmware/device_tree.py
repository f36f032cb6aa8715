"""A flattened device tree → nodes and properties (Devicetree specification 0.4, clause 5). Pure."""

from collections.abc import Iterator, Mapping

from host_agent.printable import printable

_MAGIC = 0xD00DFEED
_BEGIN, _END, _PROPERTY, _NOP, _LAST = 1, 2, 3, 4, 9
_MAX_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 64
# A name has 31 characters (2.2.1). The bounds keep a small tree from growing large when it is read.
_MAX_NAME, _MAX_PATH = 255, 1024
_HEADER = 40
_SHOWN = 16

Nodes = Mapping[str, Mapping[str, bytes]]
"""Path of a node → name of a property → its value."""

RANDOM = frozenset({"kaslr-seed", "rng-seed"})
"""Properties that are other ones at each start."""


class DeviceTreeError(ValueError):
    """The bytes are no device tree; the sentence says why."""


def parse(blob: bytes) -> Nodes:
    """Return all nodes; raises ``DeviceTreeError``."""
    if len(blob) < _HEADER or _word(blob, 0) != _MAGIC:
        raise DeviceTreeError("it does not begin as a device tree")
    if len(blob) > _MAX_BYTES:
        raise DeviceTreeError(f"it has {len(blob)} bytes, more than {_MAX_BYTES}")
    structure, strings = _word(blob, 8), _word(blob, 12)
    nodes: dict[str, dict[str, bytes]] = {}
    path: list[str] = []
    for token, name, value in _tokens(blob, structure, strings):
        if token == _BEGIN:
            path.append(name)
            if len(path) > _MAX_DEPTH or len(_path(path)) > _MAX_PATH:
                raise DeviceTreeError("its nodes lie too deep")
            nodes.setdefault(_path(path), {})
        elif not path:
            raise DeviceTreeError("it has something outside its root")
        elif token == _END:
            path.pop()
        else:
            nodes[_path(path)][name] = value
    if path or not nodes:
        raise DeviceTreeError("its nodes are not closed")
    return nodes


def _path(names: list[str]) -> str:
    return "/".join(names) or "/"


def _tokens(blob: bytes, at: int, strings: int) -> Iterator[tuple[int, str, bytes]]:
    while True:
        token = _word(blob, at)
        at += 4
        if token == _BEGIN:
            name = _text(blob, at)
            at += len(name) + 1
            yield _BEGIN, printable(name.decode("utf-8", "backslashreplace")), b""
        elif token == _PROPERTY:
            length, offset = _word(blob, at), _word(blob, at + 4)
            value = blob[at + 8 : at + 8 + length]
            if len(value) != length:
                raise DeviceTreeError("a property is cut short")
            at += 8 + length
            name = _text(blob, strings + offset)
            yield _PROPERTY, printable(name.decode("utf-8", "backslashreplace")), value
        elif token == _END:
            yield _END, "", b""
        elif token == _LAST:
            return
        elif token != _NOP:
            raise DeviceTreeError(f"token {token} is none")
        at += -at % 4


def _word(blob: bytes, at: int) -> int:
    if at + 4 > len(blob):
        raise DeviceTreeError("it is cut short")
    return int.from_bytes(blob[at : at + 4], "big")


def _text(blob: bytes, at: int) -> bytes:
    end = blob.find(b"\0", at, at + _MAX_NAME + 1)
    if end < 0:
        raise DeviceTreeError(f"a name is cut short, or longer than {_MAX_NAME} characters")
    return blob[at:end]


def shown(value: bytes) -> str:
    """Return a value in words: text where it is text, else hexadecimal digits, not too many."""
    text = value.rstrip(b"\0")
    if text and all(32 <= byte < 127 or byte == 0 for byte in text) and value.endswith(b"\0"):
        return repr(text.replace(b"\0", b", ").decode("ascii"))
    if len(value) > _SHOWN:
        return f"{len(value)} bytes"
    return f"<{value.hex(' ', 4)}>" if value else "set"

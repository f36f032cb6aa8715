"""Builds flattened device trees (Devicetree specification 0.4, clause 5)."""

from collections.abc import Mapping

Node = Mapping[str, "bytes | Node"]
"""Name → a property's value, or a node."""

BEGIN, END, PROPERTY, NOP, LAST = (word.to_bytes(4, "big") for word in (1, 2, 3, 4, 9))
STRUCTURE = 40


def tree(root: Node) -> bytes:
    """Return a tree of this root."""
    strings = bytearray()
    return raw(_node("", root, strings) + LAST, bytes(strings))


def raw(structure: bytes, strings: bytes = b"") -> bytes:
    """Return a header, a structure block as it is given, and a strings block."""
    end = STRUCTURE + len(structure)
    numbers = (0xD00DFEED, end + len(strings), STRUCTURE, end, 0, 17, 16, 0, len(strings), 0)
    return b"".join(number.to_bytes(4, "big") for number in numbers) + structure + strings


def _node(name: str, node: Node, strings: bytearray) -> bytes:
    block = BEGIN + _padded(name.encode() + b"\0")
    for key, value in node.items():
        if isinstance(value, bytes):
            block += PROPERTY + len(value).to_bytes(4, "big") + len(strings).to_bytes(4, "big")
            block += _padded(value)
            strings += key.encode() + b"\0"
        else:
            block += _node(key, value, strings)
    return block + END


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

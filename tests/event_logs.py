"""Event logs as a firmware writes them, for tests."""

import hashlib

SHA1, SHA256 = 4, 11
_SIZES = {SHA1: 20, SHA256: 32}


def number(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "little")


def head(*algorithms: int) -> bytes:
    """The first event, which names the form."""
    pairs = b"".join(number(one, 2) + number(_SIZES[one], 2) for one in algorithms)
    data = b"Spec ID Event03\0" + bytes(4) + b"\0\2\0\2" + number(len(algorithms)) + pairs + b"\0"
    return number(0) + number(3) + bytes(20) + number(len(data)) + data


def event(pcr: int, kind: int, data: bytes, *algorithms: int, of: bytes | None = None) -> bytes:
    """One event; ``of``: what was measured, where it is not the data."""
    measured = data if of is None else of
    digests = {SHA1: hashlib.sha1(measured).digest(), SHA256: hashlib.sha256(measured).digest()}
    found = number(pcr) + number(kind) + number(len(algorithms))
    found += b"".join(number(one, 2) + digests[one] for one in algorithms)
    return found + number(len(data)) + data

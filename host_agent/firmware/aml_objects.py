"""The named objects of an AML table, device by device: what a DSDT says, without running it. Pure.

AML is a tree of packages with lengths (ACPI 6.5, clause 20.2), so what a table declares outside of
methods can be walked: scopes, devices, and in each its names (``_ADR``, ``_HID``, ``_SUN`` …). What
stands in a method is code, and only told from other code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from host_agent.printable import printable

_MAX_DEPTH = 64
_MAX_OBJECTS = 65536
_ROOT, _PARENT, _DUAL, _MULTI = 0x5C, 0x5E, 0x2E, 0x2F
_EXTENDED = 0x5B
_NAME, _SCOPE, _METHOD, _EXTERNAL, _ALIAS = 0x08, 0x10, 0x14, 0x15, 0x06
_BUFFER, _PACKAGE, _VARIABLE_PACKAGE, _STRING, _IF, _ELSE = 0x11, 0x12, 0x13, 0x0D, 0xA0, 0xA1
_MUTEX, _EVENT, _REGION, _FIELD, _DEVICE, _PROCESSOR = 0x01, 0x02, 0x80, 0x81, 0x82, 0x83
_POWER, _THERMAL, _INDEX_FIELD, _BANK_FIELD = 0x84, 0x85, 0x86, 0x87
# Constants → how many bytes of value follow (20.2.3).
_INTEGERS = {0x00: 0, 0x01: 0, 0xFF: 0, 0x0A: 1, 0x0B: 2, 0x0C: 4, 0x0E: 8}
_CONTAINERS = {_DEVICE: 0, _PROCESSOR: 6, _POWER: 3, _THERMAL: 0}
"""Extended operator of what holds other objects → bytes between its name and these."""


class AmlError(ValueError):
    """The bytes are no AML that can be walked; the sentence says where."""


@dataclass(slots=True)
class _Walk:
    raw: bytes
    found: dict[str, dict[str, bytes]] = field(default_factory=dict)
    objects: int = 0

    def terms(self, at: int, end: int, scope: str, depth: int) -> None:
        """Note all objects between two offsets."""
        if depth > _MAX_DEPTH:
            raise AmlError("scopes lie too deep within each other")
        while at < end:
            at = self._term(at, end, scope, depth)
        if at != end:
            raise AmlError(f"what lies before {end:#x} does not end there")

    def _term(self, at: int, end: int, scope: str, depth: int) -> int:
        """Note the object at an offset and return where the next one is."""
        self.objects += 1
        if self.objects > _MAX_OBJECTS:
            raise AmlError(f"there are more than {_MAX_OBJECTS} objects")
        op = self._byte(at)
        if op == _EXTENDED:
            return self._extended(at, end, scope, depth)
        if op == _NAME:
            after, name = self._name(at + 1, scope)
            stop = self._data(after)
            self._note(name, at, stop, after)
            return stop
        if op in {_SCOPE, _METHOD}:
            start, stop = self._package(at + 1, end)
            after, name = self._name(start, scope)
            if op == _SCOPE:
                self.terms(after, stop, name, depth + 1)
            else:
                self._note(name, at, stop, after)
            return stop
        if op == _EXTERNAL:
            return self._name(at + 1, scope)[0] + 2
        if op == _ALIAS:
            return self._name(self._name(at + 1, scope)[0], scope)[0]
        if op in {_IF, _ELSE}:
            # What is declared under a condition is told as one: the condition is code.
            _, stop = self._package(at + 1, end)
            self._note(f"{scope}.(condition)", at, stop, at)
            return stop
        raise AmlError(f"operator {op:#04x} at {at:#x} is not known")

    def _extended(self, at: int, end: int, scope: str, depth: int) -> int:
        op = self._byte(at + 1)
        if op in {_MUTEX, _EVENT}:
            return self._name(at + 2, scope)[0] + (op == _MUTEX)
        if op == _REGION:
            after, name = self._name(at + 2, scope)
            stop = self._data(self._data(after + 1))
            self._note(name, at, stop, after)
            return stop
        start, stop = self._package(at + 2, end)
        if op in _CONTAINERS:
            after, name = self._name(start, scope)
            self.found.setdefault(name, {})
            self.terms(after + _CONTAINERS[op], stop, name, depth + 1)
        elif op in {_FIELD, _INDEX_FIELD, _BANK_FIELD}:
            _, name = self._name(start, scope)
            self._note(f"{name}(field)", at, stop, start)
        else:
            raise AmlError(f"operator 0x5b{op:02x} at {at:#x} is not known")
        return stop

    def _note(self, path: str, at: int, stop: int, value: int) -> None:
        """Keep an object of a scope: a name's value, or an operator with all that is in it."""
        scope, _, name = path.rpartition(".")
        objects = self.found.setdefault(scope or "\\", {})
        kept = self.raw[value if self.raw[at] == _NAME else at : stop]
        objects[name] = objects.get(name, b"") + kept

    def _byte(self, at: int) -> int:
        if at >= len(self.raw):
            raise AmlError("the code ends within an object")
        return self.raw[at]

    def _package(self, at: int, end: int) -> tuple[int, int]:
        """Return where a package's contents begin and end (20.2.4)."""
        lead = self._byte(at)
        count = lead >> 6
        length = lead & (0x3F if not count else 0x0F)
        for number in range(count):
            length |= self._byte(at + 1 + number) << (4 + 8 * number)
        start, stop = at + 1 + count, at + length
        if not start <= stop <= end:
            raise AmlError(f"the package at {at:#x} is longer than what it lies in")
        return start, stop

    def _name(self, at: int, scope: str) -> tuple[int, str]:
        """Return where a name ends, and the whole path (20.2.2)."""
        parts = [part for part in scope.split(".") if part]
        if self._byte(at) == _ROOT:
            parts, at = [], at + 1
        while self._byte(at) == _PARENT:
            parts, at = parts[:-1], at + 1
        lead, count = self._byte(at), 1
        if lead == 0:
            return at + 1, ".".join(parts)
        if lead == _DUAL:
            at, count = at + 1, 2
        elif lead == _MULTI:
            at, count = at + 2, self._byte(at + 1)
        text = self.raw[at : at + 4 * count]
        if len(text) < 4 * count or (not text.replace(b"_", b"").isalnum() and text.strip(b"_")):
            raise AmlError(f"there is no name at {at:#x}")
        names = [text[one : one + 4].decode("ascii", "replace") for one in range(0, len(text), 4)]
        return at + 4 * count, ".".join([*parts, *(one.rstrip("_") or "_" for one in names)])

    def _data(self, at: int) -> int:
        """Return where a value ends that is no code (20.2.3, DataRefObject)."""
        op = self._byte(at)
        if op in _INTEGERS:
            return at + 1 + _INTEGERS[op]
        if op == _STRING:
            end = self.raw.find(b"\0", at)
            if end < 0:
                raise AmlError(f"the text at {at:#x} does not end")
            return end + 1
        if op in {_BUFFER, _PACKAGE, _VARIABLE_PACKAGE}:
            return self._package(at + 1, len(self.raw))[1]
        if op == _EXTENDED:
            # RevisionOp, the only constant of two bytes.
            return at + 2
        return self._name(at, "")[0]


Objects = Mapping[str, Mapping[str, bytes]]
"""Path of a device or a scope → name of an object in it → its value, or its code."""


def objects(body: bytes) -> Objects:
    """Return what a DSDT or SSDT declares, from what follows its header; raises ``AmlError``."""
    walk = _Walk(raw=body)
    walk.terms(0, len(body), "", 0)
    return walk.found


def shown(name: str, value: bytes | None) -> str:
    """Return a value in words; ``absent``, or a size where it is no number and no text."""
    if value is None:
        return "absent"
    if value[:1] and value[0] in _INTEGERS and len(value) == 1 + _INTEGERS[value[0]]:
        number = {0x00: 0, 0x01: 1}.get(value[0], int.from_bytes(value[1:], "little"))
        if name in {"_HID", "_CID"} and value[0] == 0x0C:
            return eisa_id(number)
        return f"{number:#x}" if name == "_ADR" else str(number)
    if value[:1] == bytes([_STRING]):
        return f"'{printable(value[1:-1].decode('ascii', 'backslashreplace'))}'"
    return f"{len(value)} bytes"


def eisa_id(number: int) -> str:
    """Return a device's name from its packed form (19.3.4)."""
    swapped = int.from_bytes(number.to_bytes(4, "little"), "big")
    letters = (chr(0x40 + (swapped >> shift & 0x1F)) for shift in (26, 21, 16))
    return printable("".join(letters)) + f"{swapped & 0xFFFF:04X}"


def integer(value: bytes | None) -> int | None:
    """Return a value that is a number; None: it is none."""
    if not value or value[0] not in _INTEGERS or len(value) != 1 + _INTEGERS[value[0]]:
        return None
    return {0x00: 0, 0x01: 1}.get(value[0], int.from_bytes(value[1:], "little"))


def changes(old: Objects, new: Objects) -> Iterator[tuple[str, str, str, str]]:
    """Yield (path, name, old, new) of what differs; a device that comes or goes is named alone."""
    for path in dict.fromkeys([*old, *new]):
        before, after = old.get(path), new.get(path)
        if before is None or after is None:
            above = path.rpartition(".")[0]
            # Where a device is missing, so is what is below it.
            if not above or (above in old and above in new):
                there = ("there", "absent")
                yield (path, "device", *(there if after is None else there[::-1]))
            continue
        for name in dict.fromkeys([*before, *after]):
            was, now = before.get(name), after.get(name)
            if was != now:
                one, two = shown(name, was), shown(name, now)
                yield path, name, one, f"other {two}" if one == two else two

"""What a QEMU sends of its devices in a migration, as the binary itself describes it. Pure.

``qemu -dump-vmstate FILE`` writes it (QEMU ``migration/savevm.c: dump_vmstate_json_to_file``):
every device model of the binary with the fields that are sent, whatever the machine type is. What
is not in it: memory, timers, an x86 CPU, a virtio device's PCI side and its queues, and models in
modules that are not installed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from host_agent.printable import printable
from host_agent.untrusted_text import TextError, json_of

MAX_BYTES = 16 * 1024 * 1024
"""Of a dump; that of QEMU 7.2 for aarch64, with its boards by the dozen, has 1.9 MB."""
MOST_DEVICES = 8192
_MOST_LEAVES = 5_000
"""What one device sends in single fields; the most measured are 265, of QEMU 11.1."""
_MOST_IN_ALL = 200_000
"""The same of all devices; of QEMU 11.1 for aarch64 13,249."""
_DEEPEST = 16
"""Descriptions in each other; the deepest measured are 6."""
_MACHINE = "vmschkmachine"
"""The entry of a dump that names the machine type."""
_LARGEST = 1 << 48
_INT = 1 << 31


class VmStateError(ValueError):
    """The text is no description of migration states; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Something that is sent, in its turn: the stream has no names."""

    name: str
    version: int
    """Of the description, since which it is sent."""
    guarded: bool
    """Whether QEMU decides, by machine type or state, if it is sent at all."""
    size: int
    """Bytes, of one element; 0: known to the code alone."""
    number: int | None
    """Of elements; None: one, or in dumps of QEMU 8.0 and older not told."""
    description: "Description | None"
    """Of what it is made of; then its own size is no matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is sent of a device, or of a part of it (QEMU docs/devel/migration/main.rst)."""

    name: str
    version: int
    """That is sent, and the newest that is taken."""
    minimum: int
    """The oldest that is taken."""
    fields: tuple[Field, ...]
    subsections: tuple["Description", ...]
    """Each is sent only where the device's state needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmState:
    """All that one binary describes."""

    devices: Mapping[str, Description]
    """By the device model's name."""

    @property
    def counted(self) -> bool:
        """Whether it says how many elements an array has, as QEMU 8.1 and newer do."""
        return any(
            field.number is not None for one in self.devices.values() for field in all_fields(one)
        )


def all_fields(description: Description) -> Iterator[Field]:
    """Yield the fields, also of parts and subsections."""
    for field in description.fields:
        yield field
        if field.description is not None:
            yield from all_fields(field.description)
    for one in description.subsections:
        yield from all_fields(one)


class Pool:
    """Makes descriptions, each distinct one once, and within bounds. Raises ``VmStateError``."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Description] = {}
        self._weights: dict[int, tuple[int, int]] = {}
        self._in_all = 0

    def description(
        self,
        name: str,
        version: int,
        minimum: int,
        fields: tuple[Field, ...],
        subsections: tuple[Description, ...],
    ) -> Description:
        """Return the description that has all this."""
        key = (
            name, version, minimum,
            tuple((one.name, one.version, one.guarded, one.size, one.number, id(one.description))
                  for one in fields),
            tuple(map(id, subsections)),
        )  # fmt: skip
        known = self._made.get(key)
        if known is None:
            known = Description(
                name=name, version=version, minimum=minimum, fields=fields, subsections=subsections
            )
            self._weigh(known)
            self._made[key] = known
        return known

    def _weigh(self, one: Description) -> None:
        """Bound what it becomes with all parts told in full: parts that are shared multiply."""
        parts = [field.description for field in one.fields if field.description is not None]
        weights = [self._weights[id(part)] for part in (*parts, *one.subsections)]
        leaves = 1 + len(one.fields) + sum(leaves for leaves, _ in weights)
        depth = 1 + max((depth for _, depth in weights), default=0)
        if leaves > _MOST_LEAVES or depth > _DEEPEST:
            raise VmStateError(
                f"{one.name} has more fields, or more of them in each other, than any device"
            )
        self._weights[id(one)] = leaves, depth

    def whole(self, devices: Mapping[str, Description]) -> VmState:
        """Return the state of all devices, if they are not too many."""
        leaves = sum(self._weights[id(one)][0] for one in devices.values())
        if len(devices) > MOST_DEVICES or leaves > _MOST_IN_ALL:
            raise VmStateError(f"it has {len(devices)} devices of {leaves} fields: that is no QEMU")
        return VmState(devices=dict(sorted(devices.items())))


def parse(text: str) -> VmState:
    """Read what ``-dump-vmstate`` wrote; raises ``VmStateError``."""
    try:
        form = json_of(text)
    except TextError as error:
        raise VmStateError(f"it is no whole JSON: {printable(str(error))}") from error
    if not isinstance(form, dict) or _MACHINE not in form:
        raise VmStateError("it is JSON, but not what QEMU writes for -dump-vmstate")
    pool = Pool()
    devices = {}
    for name, device in form.items():
        if name == _MACHINE:
            continue
        if not isinstance(device, dict):
            raise VmStateError(f"{printable(name)} is no device")
        devices[printable(name)] = _description(device.get("Description"), pool, 0)
    return pool.whole(devices)


def _description(form: Any, pool: Pool, depth: int) -> Description:
    if not isinstance(form, dict) or depth > _DEEPEST:
        raise VmStateError("a description is missing in it, or they are too deep in each other")
    return pool.description(
        text_of(form.get("name")),
        int_of(form.get("version_id")),
        int_of(form.get("minimum_version_id")),
        tuple(_field(one, pool, depth) for one in _list(form.get("Fields", []))),
        tuple(_description(one, pool, depth + 1) for one in _list(form.get("Subsections", []))),
    )


def _field(form: Any, pool: Pool, depth: int) -> Field:
    if not isinstance(form, dict):
        raise VmStateError("a field of it is none")
    inner, guarded = form.get("Description"), form.get("field_exists")
    if not isinstance(guarded, bool):
        raise VmStateError("whether a field of it is always sent is not told")
    return Field(
        name=text_of(form.get("field")),
        version=int_of(form.get("version_id")),
        guarded=guarded,
        # Of what is made of parts it is the size in QEMU's own memory, which no stream has.
        size=size_of(form.get("size")) if inner is None else 0,
        number=int_of(form["num"]) if "num" in form else None,
        description=None if inner is None else _description(inner, pool, depth + 1),
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise VmStateError("fields or subsections of it are no list")
    return value


def text_of(value: Any) -> str:
    """Return a text, printable; raises ``VmStateError``."""
    if not isinstance(value, str):
        raise VmStateError("a name in it is no text")
    return printable(value)


def size_of(value: Any) -> int:
    """Return a size in bytes; raises ``VmStateError``."""
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise VmStateError("a size in it is none, or none that can be")
    return value


def int_of(value: Any) -> int:
    """Return a version or a number of elements, which are C's int; raises ``VmStateError``."""
    if type(value) is not int or not -_INT <= value < _INT:
        raise VmStateError("a number in it is none, or none that can be")
    return value

"""What a virtio device offers its driver, read as a driver reads it: by the device's own registers.

QEMU's queries for that (``x-query-virtio…``, ``qapi/virtio.json``) are experimental, absent before
7.2, and one of them ends QEMU 11.1.2. The registers are for ever: a device has them behind a window
in its PCI configuration, for which no memory of it must be mapped (VIRTIO 1.2, 4.1.4.9), or, one
that has the old interface alone, behind its first BAR (4.1.4.10).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu.pci_config import Config
from host_agent.qemu.pci_header import Place
from host_agent.qemu.session import QemuSession

MOST_QUEUES = 1024
"""Of one device (QEMU ``include/hw/virtio/virtio.h: VIRTIO_QUEUE_MAX``)."""
_VENDOR, _FIRST, _MODERN, _LAST = 0x1AF4, 0x1000, 0x1040, 0x107F
_VENDOR_CAPABILITY, _COMMON, _WINDOW = 0x09, 1, 5
_MOST_CAPABILITIES = 48
_COMMAND, _IO, _PORTS = 0x04, 1, 0xFFFC
_NOTHING = 0xFFFFFFFF
# Offsets in the common configuration (4.1.4.3), and what is there.
_FEATURE_SELECT, _FEATURE, _QUEUES, _STATUS = 0x00, 0x04, 0x12, 0x14
_QUEUE_SELECT, _QUEUE_SIZE = 0x16, 0x18
_FEATURE_WORDS = 4
# The same of the old interface.
_OLD_FEATURE, _OLD_SIZE, _OLD_SELECT, _OLD_STATUS = 0, 12, 14, 18
_AT_ONCE = 64
_READS = "in", "read"


class Offered(NamedTuple):
    """What a device offers."""

    kind: int
    """Its virtio device id: 1 network, 2 block … (chapter 5)."""
    features: int
    """Bit n is feature n."""
    queues: tuple[int, ...]
    """Entries of each of its queues."""


class _Access(NamedTuple):
    """A register, and what is written to it; None: it is read."""

    at: int
    size: int
    value: int | None = None


def read(session: QemuSession, config: Config, place: Place, space: bytes) -> Offered | None:
    """Return what a function offers; None: nothing of virtio. It is reset for that.

    ``space`` is its configuration. A reset gives back the queues that a firmware's driver made
    smaller. Raises ``EvidenceError``.
    """
    vendor, device = (int.from_bytes(space[at : at + 2], "little") for at in (0, 2))
    if vendor != _VENDOR or not _FIRST <= device <= _LAST:
        return None
    kind = device - _MODERN
    if device < _MODERN:
        kind = int.from_bytes(space[0x2E:0x30], "little")
    found = dict(_capabilities(space))
    # Where there are no ports, no driver speaks the old interface.
    base = _old_base(space) if config.ports else None
    old = _answering(config, place, space)
    if {_COMMON, _WINDOW} <= found.keys():
        registers = _Registers(session, config, place, space, found[_COMMON], found[_WINDOW])
        features, queues = registers.offered()
        # Some features are offered to a driver of the old interface alone.
        features |= 0 if base is None else _old_features(session, base, old)
    elif base is None:
        # The firmware gave its registers no place.
        return None
    else:
        features, queues = _old_features(session, base, old), _old_queues(session, base)
    return Offered(kind=kind, features=features, queues=queues)


def _capabilities(space: bytes) -> Iterator[tuple[int, int]]:
    """Yield kind of a virtio structure → where the capability is that names it (4.1.4)."""
    at = space[0x34] & ~3
    for _ in range(_MOST_CAPABILITIES):
        if at < 0x40 or at + 20 > len(space):
            break
        if space[at] == _VENDOR_CAPABILITY:
            yield space[at + 3], at
        at = space[at + 1] & ~3


class _Registers:
    """The common configuration of a device, through the window."""

    def __init__(
        self,
        session: QemuSession,
        config: Config,
        place: Place,
        space: bytes,
        common: int,
        window: int,
    ) -> None:
        self._session = session
        self._config = config
        self._place = place
        self._window = window
        self._bar = space[common + 4]
        self._offset = int.from_bytes(space[common + 8 : common + 12], "little")

    def offered(self) -> tuple[int, tuple[int, ...]]:
        """Return features and sizes of queues."""
        words = [
            one
            for number in range(_FEATURE_WORDS)
            for one in (_Access(_FEATURE_SELECT, 4, number), _Access(_FEATURE, 4))
        ]
        count, *features = self._do([_Access(_STATUS, 1, 0), _Access(_QUEUES, 2), *words])
        sizes = [
            one
            for number in range(min(count, MOST_QUEUES))
            for one in (_Access(_QUEUE_SELECT, 2, number), _Access(_QUEUE_SIZE, 2))
        ]
        whole = sum(word << 32 * at for at, word in enumerate(features))
        return whole, tuple(self._do(sizes))

    def _do(self, accesses: Sequence[_Access]) -> list[int]:
        """Do them in their order, and return what is read."""
        access, place, window = self._config.access, self._place, self._window
        commands = list(access(place, window + 4, 1, self._bar))
        for one in accesses:
            commands += access(place, window + 8, 4, self._offset + one.at)
            commands += access(place, window + 12, 4, one.size)
            commands += access(place, window + 16, one.size, one.value)
        return _answers(self._session, commands)


def _old_base(space: bytes) -> int | None:
    """Return the port from which a device has its old interface; None: it has none."""
    bar = int.from_bytes(space[0x10:0x14], "little")
    return bar & _PORTS or None if bar & 1 else None


def _answering(config: Config, place: Place, space: bytes) -> tuple[str, ...]:
    """Return what has a function answer at its ports."""
    command = int.from_bytes(space[_COMMAND : _COMMAND + 2], "little") | _IO
    return config.access(place, _COMMAND, 2, command)


def _old_features(session: QemuSession, base: int, before: tuple[str, ...]) -> int:
    reset_and_ask = f"outb 0x{base + _OLD_STATUS:x} 0x0", f"inl 0x{base + _OLD_FEATURE:x}"
    (features,) = _answers(session, (*before, *reset_and_ask))
    # Where nothing answers all bits are set.
    return 0 if features == _NOTHING else features


def _old_queues(session: QemuSession, base: int) -> tuple[int, ...]:
    sizes: list[int] = []
    while len(sizes) < MOST_QUEUES:
        commands = [
            line
            for number in range(len(sizes), len(sizes) + _AT_ONCE)
            for line in (
                f"outw 0x{base + _OLD_SELECT:x} 0x{number:x}",
                f"inw 0x{base + _OLD_SIZE:x}",
            )
        ]
        found = _answers(session, commands)
        sizes += found
        if 0 in found:
            # There is none of that number.
            break
    return tuple(sizes[: sizes.index(0)] if 0 in sizes else sizes)


def _answers(session: QemuSession, commands: Sequence[str]) -> list[int]:
    """Return what is read of all that is sent."""
    answers = session.qtest(commands)
    try:
        return [
            int(answer, 16)
            for command, answer in zip(commands, answers, strict=True)
            if command.startswith(_READS)
        ]
    except ValueError as error:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no number") from error

"""Which of a TPM's registers another machine changes, and what is bound to them. Pure.

A rehearsal of today's software and one of tomorrow's are compared event by event, in the firmware's
part of each register: what it measures up to the separator (TCG PC Client Platform Firmware Profile
1.06, 3.3.4). What comes after that is the loader's, from a disk that stays; where the loader was
rehearsed as well, all of a register is compared. A register's forecast
counts only where the rehearsal of today gives what the guest has. A guest that came by a live
migration has what another host's software measured: it counts where this host's QEMU, with the
firmware that came along, gives the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from host_agent.evidence.hardware import LuksToken, Tpm
from host_agent.missing import Missing
from host_agent.printable import printable
from samemachine import event_log
from samemachine.event_log import FIRST, SEPARATOR, Event

_MOST_REASONS = 4
# Types of events (10.4.1).
_NAMES = {
    1: "the firmware's code", 5: "an action", 6: "a table or option ROM",
    8: "the firmware's version", 0xA: "ACPI tables from QEMU",
    0x80000003: "a loader", 0x80000004: "an option ROM's driver", 0x80000005: "a driver",
    0x80000007: "an action", 0x80000008: "a firmware volume", 0x8000000A: "a firmware volume",
    0x80000009: "SMBIOS tables", 0x8000000B: "SMBIOS tables",
}  # fmt: skip
_VARIABLES = {0x80000001, 0x80000002, 0x8000000C, 0x800000E0}
_MOST_NAME = 64
_MEASURED = "systemd-tpm2"
_CLEVIS = "clevis"
_TPM_PIN = "tpm2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What another machine does to one of the registers 0 to 7."""

    number: int
    changes: bool | None
    """None: it is not known, since today's rehearsal does not give what the guest has."""
    why: tuple[str, ...] = ()
    """What is measured otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A disk's key that a TPM keeps, and what becomes of it."""

    token: LuksToken
    opens: bool | None
    """Whether the TPM will give it out; None: it is not known."""

    def __str__(self) -> str:
        """Name the disk, and what its key is bound to."""
        pcrs = self.token.pcrs
        to = "?" if pcrs is None else ", ".join(map(str, pcrs)) or "none"
        return f"{printable(self.token.device)} ({printable(self.token.type)}, PCR {to})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What another machine does to a guest's TPM."""

    registers: tuple[Register, ...]
    """0 to 7."""
    keys: tuple[Bound, ...] | None
    """Of its disks, those that the TPM keeps; None: which there are is not known."""
    loader: bool = False
    """Whether its loader was rehearsed, too."""
    unread: tuple[str, ...] = ()
    """Disks that should have been copied for that, each with why it was not."""

    @property
    def asks(self) -> bool | None:
        """Whether the guest asks for a recovery key; None: it is not known."""
        if self.keys is None:
            return None if any(one.changes is not False for one in self.registers) else False
        fates = {one.opens for one in self.keys}
        return True if False in fates else None if None in fates else False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a reset and the next start do to a guest's TPM."""

    reset: Outlook | Missing
    start: Outlook | Missing


def forecast(
    today: Sequence[Event], other: Sequence[Event], guest: Tpm, *, loader: bool = False
) -> Outlook:
    """Return what becomes of the TPM of a guest that starts as the other rehearsal did.

    ``loader``: whether its loader ran in both.
    """
    agreeing, staying = _agreeing(today, guest), _agreeing(other, guest)
    whole = _whole(today, guest) if loader else frozenset()
    registers = tuple(
        _register(number, today, other, loader=loader, whole=number in whole)
        if number in agreeing
        # Where another software booted the guest, what gives the same again is proof enough.
        else Register(number=number, changes=False if number in staying else None)
        for number in range(FIRST)
    )
    keys = None
    if guest.tokens is not None:
        kept = (one for one in guest.tokens if _of_tpm(one))
        keys = tuple(Bound(token=one, opens=_opens(one, registers)) for one in kept)
    return Outlook(registers=registers, keys=keys, loader=loader)


def agrees(made: Sequence[Event], guest: Tpm) -> bool:
    """Tell whether a rehearsal gives all that the guest has, so that nothing more is to come."""
    return len(_whole(made, guest)) == FIRST


def same_loader(today: Sequence[Event], made: Sequence[Event]) -> bool:
    """Tell whether a loader has measured what it did in another rehearsal, all of it."""
    return all(_of_loader(today, number) == _of_loader(made, number) for number in range(FIRST))


def _of_tpm(token: LuksToken) -> bool:
    return token.type == _MEASURED or (token.type == _CLEVIS and token.pin in {_TPM_PIN, "sss", ""})


def _opens(token: LuksToken, registers: Sequence[Register]) -> bool | None:
    if token.pcrs is None:
        return None
    # Those from 8 on are the loader's and the kernel's.
    fate = {one.number: one.changes for one in registers}
    if any(fate.get(number, False) for number in token.pcrs):
        return False
    # What a signature allows is not read.
    if any(fate.get(number, False) is not False for number in (*token.pcrs, *token.signed_pcrs)):
        return None
    return True


def _agreeing(made: Sequence[Event], guest: Tpm) -> frozenset[int]:
    """Return the registers of which a rehearsal gives what the guest has."""
    whole = _whole(made, guest)
    logged = [Event(one.pcr, one.type, bytes.fromhex(one.sha256), b"") for one in guest.events]
    told = event_log.replayed(logged)
    found = set()
    for number in range(FIRST):
        has = bytes.fromhex(guest.pcrs[number])
        own = [(one.type, one.sha256) for one in _part(made, number)]
        # Its log counts where it gives what the register has.
        by_log = told[number] == has and own == [
            (one.type, one.sha256) for one in _part(logged, number)
        ]
        if number in whole or by_log:
            found.add(number)
    return frozenset(found)


def _whole(made: Sequence[Event], guest: Tpm) -> frozenset[int]:
    """Return the registers to which a rehearsal gives the value that the guest's have."""
    found = event_log.replayed(made)
    return frozenset(one for one in range(FIRST) if found[one] == bytes.fromhex(guest.pcrs[one]))


def _of_loader(events: Iterable[Event], number: int) -> list[bytes]:
    """Return the digests of what is measured into a register after its separator."""
    own = [one for one in events if one.pcr == number and one.type != event_log.NO_ACTION]
    return [one.sha256 for one in own[len(list(_part(own, number))) :]]


def _part(events: Iterable[Event], number: int) -> Iterator[Event]:
    """Yield the firmware's part of a register's events."""
    for event in events:
        if event.pcr == number and event.type != event_log.NO_ACTION:
            yield event
            if event.type == SEPARATOR:
                return


def _register(
    number: int, today: Sequence[Event], other: Sequence[Event], *, loader: bool, whole: bool
) -> Register:
    """``loader``: its part is compared as well; ``whole``: that of today is the guest's."""
    before, after = list(_part(today, number)), list(_part(other, number))
    if [one.sha256 for one in before] == [one.sha256 for one in after]:
        found = _of_loaders(number, today, other) if loader else None
        if found is None or found.changes is False:
            return Register(number=number, changes=False)
        return found if whole else Register(number=number, changes=None)
    had, has = {one.sha256 for one in before}, {one.sha256 for one in after}
    different = [
        *(one for one in before if one.sha256 not in has),
        *(one for one in after if one.sha256 not in had),
    ]
    names = list(dict.fromkeys(map(_named, different))) or ["the order of events"]
    return Register(number=number, changes=True, why=tuple(names[:_MOST_REASONS]))


def _of_loaders(number: int, today: Sequence[Event], other: Sequence[Event]) -> Register:
    """Compare what a loader measured, where the firmware measured the same."""
    before, after = _of_loader(today, number), _of_loader(other, number)
    if before == after:
        return Register(number=number, changes=False)
    if before[: len(after)] == after:
        # It may only have been slower.
        return Register(number=number, changes=None)
    return Register(number=number, changes=True, why=("what the loader measures",))


def _named(event: Event) -> str:
    """Name what an event measured."""
    if event.type in _VARIABLES:
        # UEFI_VARIABLE_DATA (10.4.2): GUID, characters of the name, bytes of the value, the name.
        length = min(int.from_bytes(event.data[16:24], "little"), _MOST_NAME)
        name = event.data[32 : 32 + 2 * length].decode("utf-16le", "replace")
        return f"variable {printable(name)}"
    if event.type == SEPARATOR:
        return "the separator"
    return _NAMES.get(event.type, f"an event of type {event.type:#x}")

"""What a firmware would measure into a domain's TPM, rehearsed: the events of its log.

A second QEMU with the domain's devices on back-ends that lead nowhere (``rehearsal_options``), a
new TPM (``fresh_tpm``) and a copy of the domain's variable store runs the firmware until each of
the registers 0 to 7 has its separator: from then on a loader measures (TCG PC Client Platform
Firmware Profile 1.06, 3.3.4). With copies of its disks the loader runs as well, until nothing more
is measured. The log is read from memory: SeaBIOS has it where ACPI's table TPM2
says (TCG ACPI Specification 1.4, 8), OVMF anywhere below the top of low memory, at a page's begin.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from host_agent.errors import EvidenceError
from host_agent.firmware.acpi import AcpiError
from host_agent.missing import Reason
from host_agent.qemu import fresh_tpm, left_places, variable_store
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.left_places import Bios, Efi
from host_agent.qemu.memory_reader import MemoryReader
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.qemu.session import QemuSession, kvm_groups
from samemachine import event_log
from samemachine.event_log import Event, LogError

_PAGE = 4096
_SIGNATURE_AT = 32
"""Where the first event's data begin."""
_PAGES_AT_ONCE = 4096
_MOST_LOG = 1 << 20
_PAUSE, _AGAIN = 0.25, 1.0
_QUIET, _QUIET_ENOUGH, _QUIET_AT_MOST = 8.0, 2.0, 40.0
"""Seconds of QEMU's processor after which a loader measures no more, and where it has measured all
that is waited for; and of time: one that waits uses no processor."""
_SET = 919
"""The number of the descriptor set that holds the firmware's image."""
_LENGTH_AT, _ADDRESS_AT, _TABLE = 64, 68, 76
"""Of the log, in ACPI's table TPM2, and that table's length with both."""


def measure(
    binary: QemuBinary,
    options: RehearsalOptions,
    device: str,
    store: bytes | None,
    seconds: float,
    image: int | None = None,
    enough: Callable[[Sequence[Event]], bool] | None = None,
    opened: Sequence[int] = (),
) -> tuple[Event, ...]:
    """Return the events until a loader would run; raises ``EvidenceError``.

    ``device``: the TPM as ``-device`` has it, without its back-end; ``store``: what the domain's
    variable store holds, None: what its package has for a new one; ``image``: a descriptor of the
    firmware's image, None: the file that the options name; ``enough``: the loader runs as well, for
    the options have copies of disks, until this says so of the events, or until no more come;
    ``opened``: the descriptors of those copies, and of whatever else the options name by number.
    """
    groups = kvm_groups()
    if groups is None:
        options, groups = options.without_kvm(), ()
    with (
        fresh_tpm.started() as tpm,
        variable_store.opened(options.flash, binary, store) as variables,
    ):
        back_end = f"socket,id=rehearsal-tpm,fd={tpm}"
        words = (
            "-chardev",
            back_end,
            "-tpmdev",
            "emulator,id=rehearsal,chardev=rehearsal-tpm",
            "-device",
            f"{device},tpmdev=rehearsal",
        )
        options = replace(options, devices=(*options.devices, *words))
        if image is not None:
            options = _with_image(options, image)
        with QemuSession(
            binary,
            options.command(variables),
            seconds=seconds,
            groups=groups,
            vcpus=options.machine.vcpus,
            memory=options.memory,
            descriptors=tuple(one for one in (tpm, variables, image, *opened) if one is not None),
        ) as session:
            session.qmp("cont")
            places = left_places.places_of(options)
            place = left_places.wait(session, options.machine, places, acpi=options.has_acpi)
            return _wait(session, options.machine, place, enough)


def _with_image(options: RehearsalOptions, image: int) -> RehearsalOptions:
    """Return options whose firmware is what a descriptor leads to."""
    if options.flash is None:
        return options
    flash = replace(options.flash, code=f"/dev/fdset/{_SET}")
    return replace(
        options, flash=flash, devices=(*options.devices, "-add-fd", f"fd={image},set={_SET}")
    )


def _wait(
    session: QemuSession,
    machine: ProbeOptions,
    place: Bios | Efi,
    enough: Callable[[Sequence[Event]], bool] | None,
) -> tuple[Event, ...]:
    """Return the events as soon as all separators are there, and what a loader adds, if it runs.

    What a loader starts may take the log's memory, and a firmware may start itself again and have
    its log elsewhere: so what was whole once is kept until it is whole again.
    """
    found: tuple[int, int] | None = None
    whole: tuple[Event, ...] | None = None
    seen, quiet, again = 0, _Quiet(session), 0.0
    while True:
        before = session.processor_seconds
        reader = MemoryReader(session, machine.architecture, machine.memory)
        events: tuple[Event, ...] = ()
        try:
            if found is None and time.monotonic() >= again:
                found = _log(reader, place)
            if found is not None:
                events = _events(reader.read(*found))
        except AcpiError as error:
            if whole is None:
                raise EvidenceError(
                    Reason.FAILED, f"the firmware left no event log: {error}"
                ) from error
        # To be read costs QEMU a processor, too, and most where memory is searched.
        quiet.leave_out(session.processor_seconds - before)
        if len(events) != seen:
            seen, quiet = len(events), _Quiet(session)
        if _is_closed(events) and (whole is None or whole[: len(events)] != events):
            whole = events
        elif whole is not None and events != whole:
            found, again = None, time.monotonic() + _AGAIN
        if whole is not None:
            told = events == whole and (enough is None or enough(events))
            if enough is None or quiet.is_over(_QUIET_ENOUGH if told else _QUIET):
                return whole
        if session.left <= _PAUSE:
            if whole is not None:
                return whole
            raise EvidenceError(
                Reason.HUNG,
                "the firmware of the rehearsal did not close the TPM's registers in its time",
                "if this host is that slow, ask again when it has less to do",
            )
        session.rest(_PAUSE)


def _is_closed(events: Sequence[Event]) -> bool:
    """Tell whether each of the registers has its separator."""
    closed = {one.pcr for one in events if one.type == event_log.SEPARATOR}
    return closed >= set(range(event_log.FIRST))


class _Quiet:
    """How long a loader has measured nothing."""

    def __init__(self, session: QemuSession) -> None:
        self._session = session
        self._used, self._since = session.processor_seconds, time.monotonic()

    def leave_out(self, seconds: float) -> None:
        """Do not count so much of QEMU's processor: it was ours."""
        self._used += seconds

    def is_over(self, seconds: float) -> bool:
        """Tell whether QEMU has used so many seconds of a processor since, or uses none."""
        used = self._session.processor_seconds - self._used
        return used >= seconds or time.monotonic() - self._since >= _QUIET_AT_MOST


def _events(log: bytes) -> tuple[Event, ...]:
    found: list[Event] = []
    # It is being written.
    with suppress(LogError):
        found.extend(event_log.events(log))
    return tuple(found)


def _log(reader: MemoryReader, place: Bios | Efi) -> tuple[int, int] | None:
    """Return where the log is, and how much of memory is read of it; None: it is not there yet."""
    if isinstance(place, Efi):
        # What its TPM2 table names stays empty.
        return _searched(reader)
    try:
        for table in place.tables(reader):
            if table.signature == "TPM2" and len(table.raw) >= _TABLE:
                length = int.from_bytes(table.raw[_LENGTH_AT:_ADDRESS_AT], "little")
                address = int.from_bytes(table.raw[_ADDRESS_AT:_TABLE], "little")
                if address and length:
                    return address, min(length, _MOST_LOG)
    except AcpiError:
        pass
    return None


def _searched(reader: MemoryReader) -> tuple[int, int] | None:
    size = len(event_log.SIGNATURE)
    for top in range(reader.top, reader.bottom, -_PAGE * _PAGES_AT_ONCE):
        pages = range(top - _PAGE, max(reader.bottom, top - _PAGE * _PAGES_AT_ONCE), -_PAGE)
        pieces = reader.pieces([page + _SIGNATURE_AT for page in pages], size)
        for page, piece in zip(pages, pieces, strict=True):
            if piece == event_log.SIGNATURE:
                return page, min(_MOST_LOG, reader.top - page)
    return None

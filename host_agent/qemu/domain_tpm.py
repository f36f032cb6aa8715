"""What becomes of a domain's TPM registers, by rehearsals of its boots with a new TPM.

What the guest has is held against a boot of what runs it: that QEMU, with the firmware's image that
it has in memory. That is the file at its path, or what the process has open of one that was
replaced since, or, of a guest that came by a live migration, what came along with its memory, and
in the last two the ROMs of its cards as they are in QEMU's. A reset runs the same; only a stop and
start runs what is installed.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from host_agent import inside_root
from host_agent.domain import architectures
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.evidence import measured
from host_agent.evidence.hardware import Tpm
from host_agent.evidence.measured import Measured, Outlook
from host_agent.evidence.running import Running
from host_agent.hypervisor import Domain, Hypervisor
from host_agent.missing import Missing, Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import (
    boot_disks,
    carried_firmware,
    carried_roms,
    measured_boot,
    nvram_file,
    nvram_place,
    rehearsal_disks,
    variable_store,
)
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.boot_disks import BootDisks
from host_agent.qemu.command_line import OptionsError, options_in, properties_of
from host_agent.qemu.rehearsal import SECONDS
from host_agent.qemu.rehearsal_disks import Disk
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain
from samemachine.event_log import Event

_DEVICES = {"tpm-tis", "tpm-crb"}
_NO_DEVICE = Missing(
    reason=Reason.UNSUPPORTED, sentence="a TPM of the domain's model is not rehearsed"
)
_DELETED = " (deleted)"
"""What proc_pid_fd(5) adds."""
_HERE = Path("/")
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """A firmware's image that is at no path."""

    descriptor: int
    raw: bool
    """Whether it is raw, whatever the file's form is."""
    roms: Mapping[carried_roms.Ids, int] = field(default_factory=dict)
    """Descriptors of the cards' ROMs that the guest has beside it."""


_Boot = tuple[QemuBinary, tuple[str, ...], bytes | None, _Image | None]
"""What boots: a QEMU, its command line, what is in its variable store, its firmware's image."""
_NO_DISKS = BootDisks(by_layers={}, by_device={})


class DomainTpm:
    """A running domain, whose guest tells its registers."""

    def __init__(
        self,
        domain: Domain,
        running: Running,
        active: Definition,
        guest: Tpm,
        seconds: float = SECONDS,
        *,
        read_esp: bool = False,
    ) -> None:
        """``seconds``: what one rehearsal may take.

        ``read_esp``: whether its loader runs as well, from a copy of its EFI system partition.
        """
        self._domain, self._running = domain, running
        self._active, self._guest = active, guest
        self._seconds, self._read_esp = seconds, read_esp
        self._disks = _NO_DISKS
        self._made: dict[object, tuple[Event, ...]] = {}

    def forecast(
        self,
        hypervisor: Hypervisor,
        xml: str,
        persistent: str | None,
        binary: QemuBinary | None = None,
    ) -> Measured | Missing:
        """Return what a reset does, and a stop and start.

        ``xml``: the active one, with what was plugged in; ``persistent``: that of the next start,
        None: there is none; ``binary``: which it will start with, None: that which its XML names.
        """
        try:
            store = self._store()
            with self._copied(), self._image() as image:
                today = self._today(store, image)
                reset: Outlook | Missing
                if isinstance(image, Missing):
                    reset = image
                else:
                    plugged = hypervisor.native_arguments(xml)
                    reset = self._held(today, (self._runs(), plugged, store, image))
                if persistent is None:
                    transient = Missing(reason=Reason.ABSENT, sentence="the domain is transient")
                    return Measured(reset=reset, start=transient)
                if binary is None:
                    binary = qemu_binary.installed(self._active.emulator or "")
                arguments = hypervisor.native_arguments(persistent)
                anew = self._store_of_start(arguments, binary, store)
                start = self._held(today, (binary, arguments, anew, None))
        except EvidenceError as error:
            return error.missing
        return Measured(reset=reset, start=start)

    def start(
        self, arguments: tuple[str, ...], binary: QemuBinary | None = None, *, here: bool = True
    ) -> Outlook | Missing:
        """Return what a stop does, and a start by this command line; ``binary``: as above.

        ``here``: it is on this host, whose files are looked at.
        """
        try:
            if binary is None:
                binary = qemu_binary.installed(self._active.emulator or "")
            store = self._store()
            with self._copied():
                with self._image() as image:
                    today = self._today(store, image)
                kept = self._store_of_start if here else self._store_elsewhere
                anew = kept(arguments, binary, store)
                return self._held(today, (binary, arguments, anew, None))
        except EvidenceError as error:
            return error.missing

    @contextmanager
    def _copied(self) -> Iterator[None]:
        """Have copies of its disks while the block lasts, where that is allowed."""
        if not self._read_esp:
            yield
            return
        named = _disks(self._running.arguments)
        with boot_disks.copied(named, self._running.root) as made:
            self._disks = made
            try:
                yield
            finally:
                self._disks = _NO_DISKS

    def _today(self, store: bytes | None, image: _Image | Missing | None) -> tuple[Event, ...]:
        found = None if isinstance(image, Missing) else image
        boot = self._runs(), self._running.arguments, store, found
        return self._events(boot, lambda events: measured.agrees(events, self._guest))

    def _runs(self) -> QemuBinary:
        return qemu_binary.running(self._running.pid, self._running.binary)

    @contextmanager
    def _image(self) -> Iterator[_Image | Missing | None]:
        """Yield the image that a reset runs, where that is not the file; Missing: not to be had."""
        options = _of(self._running.arguments, self._active)
        flash = options.flash
        if flash is None:
            yield None
            return
        came = self._running.came
        with ExitStack() as kept:
            if came:
                try:
                    content = carried_firmware.image(self._domain, flash, self._running.root)
                except EvidenceError as error:
                    yield error.missing
                    return
                found: int | None = _in_memory(content)
            else:
                found = _replaced(self._running, flash.code)
            if found is None:
                yield None
                return
            kept.callback(os.close, found)
            roms = {}
            there = carried_roms.read(self._running.pid, carried_roms.wanted(options))
            for ids, rom in there.items():
                roms[ids] = _in_memory(rom)
                kept.callback(os.close, roms[ids])
            yield _Image(descriptor=found, raw=came, roms=roms)

    def _held(self, today: tuple[Event, ...], boot: _Boot) -> Outlook:
        """Return what another boot does; raises ``EvidenceError``."""
        other = self._events(boot, lambda events: measured.same_loader(today, events))
        loader = self._has_loader(self._running.arguments) and self._has_loader(boot[1])
        found = measured.forecast(today, other, self._guest, loader=loader)
        return replace(found, unread=self._disks.unread)

    def _has_loader(self, arguments: tuple[str, ...]) -> bool:
        """Tell whether a boot by this command line has all disks that were copied."""
        there = set(self._disks.of(_disks(arguments)).values())
        return bool(there) and there == set(self._disks.by_device.values())

    def _store(self) -> bytes | None:
        """Return a copy of the variable store; None: there is none. Raises ``EvidenceError``."""
        place = nvram_place.of_command_line(self._running.arguments)
        if isinstance(place, Missing):
            if place.reason is Reason.ABSENT:
                return None
            raise EvidenceError(place.reason, place.sentence)
        if place.form == nvram_place.JSON:
            raise EvidenceError(Reason.UNSUPPORTED, "a variable store in JSON is not rehearsed")
        return nvram_file.content(place, self._running.root)

    def _store_of_start(
        self, arguments: tuple[str, ...], binary: QemuBinary, kept: bytes | None
    ) -> bytes | None:
        """Return what the next start finds in its store, or makes it of; as ``_store`` does."""
        place = nvram_place.of_command_line(arguments)
        if isinstance(place, Missing) or place.form == nvram_place.JSON:
            return kept
        if place == nvram_place.of_command_line(self._running.arguments):
            return kept
        try:
            return nvram_file.content(place, _HERE)
        except EvidenceError as error:
            if error.missing.reason is not Reason.ABSENT:
                raise
        store = None if self._active.uefi is None else self._active.uefi.store
        if store is None or store.template is None:
            return None
        template = nvram_place.Place(path=store.template, form=store.template_form)
        return nvram_file.content(template, variable_store.root_of(binary))

    def _store_elsewhere(
        self, arguments: tuple[str, ...], _: QemuBinary, kept: bytes | None
    ) -> bytes | None:
        """Return what a start on another host finds: what came along. As ``_store_of_start``."""
        place = nvram_place.of_command_line(arguments)
        if isinstance(place, Missing) or place.form == nvram_place.JSON:
            return kept
        now = nvram_place.of_command_line(self._running.arguments)
        if isinstance(now, Missing) or place.path == now.path:
            return kept
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"its start there takes another variable store, {place.path}, which is not read there",
            "name the same file in its active and its persistent XML",
        )

    def _events(self, boot: _Boot, enough: Callable[[Sequence[Event]], bool]) -> tuple[Event, ...]:
        """Return what is measured, once for what is the same; raises ``EvidenceError``."""
        binary, arguments, store, image = boot
        options = _of(arguments, self._active)
        if image is not None and image.raw and options.flash is not None:
            options = replace(options, flash=replace(options.flash, form="raw"))
        device = next(_tpms(arguments), None)
        if device is None:
            raise EvidenceError(_NO_DEVICE.reason, _NO_DEVICE.sentence)
        copies = self._disks.of(_disks(arguments))
        options = rehearsal_disks.with_copies(options, copies)
        roms = () if image is None else tuple(image.roms.values())
        if image is not None:
            options = carried_roms.with_roms(options, image.roms)
        asked = binary.identity, binary.root, binary.pid, options, device, store, image is None
        if asked not in self._made:
            with _ONE_AT_A_TIME:
                self._made[asked] = measured_boot.measure(
                    binary,
                    options,
                    device,
                    store,
                    self._seconds,
                    image=None if image is None else image.descriptor,
                    enough=enough if copies else None,
                    opened=[*roms, *(one for copy in copies.values() for one in copy.descriptors)],
                )
        return self._made[asked]


def _replaced(running: Running, code: str) -> int | None:
    """Return a descriptor of what a process has open of a file that is no more at its path."""
    try:
        place = inside_root.resolved(running.root, code).relative_to(running.root)
        gone = f"/{place}{_DELETED}"
        for one in Path(f"/proc/{running.pid}/fd").iterdir():
            with suppress(OSError):
                if str(one.readlink()) == gone:
                    return os.open(one, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    return None


def _in_memory(content: bytes) -> int:
    """Return a descriptor that can only be read; raises ``EvidenceError``."""
    try:
        return _copy(content)
    except OSError as error:
        raise EvidenceError(
            Reason.FAILED, f"no copy of its firmware can be had: {error.strerror}"
        ) from error


def _copy(content: bytes) -> int:
    descriptor = os.memfd_create("samemachine-firmware")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        # QEMU opens it again, as a user without rights.
        os.fchmod(descriptor, 0o444)
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(descriptor)


def _of(arguments: tuple[str, ...], definition: Definition) -> RehearsalOptions:
    try:
        return from_domain(arguments, architectures.qemus(definition.architecture))
    except OptionsError as error:
        raise EvidenceError(Reason.FAILED, str(error)) from error


def _disks(arguments: tuple[str, ...]) -> tuple[Disk, ...]:
    try:
        return rehearsal_disks.disks(arguments)
    except OptionsError as error:
        raise EvidenceError(Reason.FAILED, str(error)) from error


def _tpms(arguments: tuple[str, ...]) -> Iterator[str]:
    """Yield the TPMs that a command line has, by their drivers."""
    for option, value in options_in(arguments):
        if option == "device":
            driver = properties_of(value, "driver").get("driver", "")
            if driver in _DEVICES:
                yield driver

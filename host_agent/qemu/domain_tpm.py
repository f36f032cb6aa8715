"""What becomes of a domain's TPM registers, by rehearsals of its boots with a new TPM."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from host_agent import inside_root
from host_agent.domain import architectures
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.evidence import measured
from host_agent.evidence.hardware import Tpm
from host_agent.evidence.measured import Measured, Outlook
from host_agent.evidence.running import Running
from host_agent.hypervisor import Hypervisor
from host_agent.missing import Missing, Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import measured_boot, nvram_file, nvram_place
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.command_line import OptionsError, options_in, properties_of
from host_agent.qemu.rehearsal import SECONDS
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain
from samemachine.event_log import Event

_DEVICES = {"tpm-tis", "tpm-crb"}
_NO_DEVICE = Missing(
    reason=Reason.UNSUPPORTED, sentence="a TPM of the domain's model is not rehearsed"
)
_DELETED = " (deleted)"
"""What proc_pid_fd(5) adds."""
_ONE_AT_A_TIME = threading.Lock()


class DomainTpm:
    """A running domain, whose guest tells its registers."""

    def __init__(
        self, running: Running, active: Definition, guest: Tpm, seconds: float = SECONDS
    ) -> None:
        """``seconds``: what one rehearsal may take."""
        self._running, self._active, self._guest = running, active, guest
        self._seconds = seconds
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
            runs = qemu_binary.running(self._running.pid, self._running.binary)
            # A reset runs the image that the process has in memory.
            with self._image() as image:
                today = self._events(runs, self._running.arguments, store, image)
                plugged = hypervisor.native_arguments(xml)
                reset = self._held(today, self._events(runs, plugged, store, image))
            if persistent is None:
                transient = Missing(reason=Reason.ABSENT, sentence="the domain is transient")
                return Measured(reset=reset, start=transient)
            if binary is None:
                binary = qemu_binary.installed(self._active.emulator or "")
            arguments = hypervisor.native_arguments(persistent)
            start = self._held(today, self._events(binary, arguments, store, None))
        except EvidenceError as error:
            return error.missing
        return Measured(reset=reset, start=start)

    @contextmanager
    def _image(self) -> Iterator[int | None]:
        """Yield the image that the process was started with, where its file was replaced since."""
        flash = _of(self._running.arguments, self._active).flash
        found = None if flash is None else _replaced(self._running, flash.code)
        if found is None:
            yield None
            return
        try:
            yield found
        finally:
            os.close(found)

    def _held(self, today: tuple[Event, ...], other: tuple[Event, ...]) -> Outlook:
        return measured.forecast(today, other, self._guest)

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

    def _events(
        self,
        binary: QemuBinary,
        arguments: tuple[str, ...],
        store: bytes | None,
        image: int | None,
    ) -> tuple[Event, ...]:
        """Return what is measured, once for what is the same; raises ``EvidenceError``."""
        options = _of(arguments, self._active)
        device = next(_tpms(arguments), None)
        if device is None:
            raise EvidenceError(_NO_DEVICE.reason, _NO_DEVICE.sentence)
        asked = binary.identity, binary.root, binary.pid, options, device, image is None
        if asked not in self._made:
            with _ONE_AT_A_TIME:
                self._made[asked] = measured_boot.measure(
                    binary, options, device, store, self._seconds, image
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


def _of(arguments: tuple[str, ...], definition: Definition) -> RehearsalOptions:
    try:
        return from_domain(arguments, architectures.qemus(definition.architecture))
    except OptionsError as error:
        raise EvidenceError(Reason.FAILED, str(error)) from error


def _tpms(arguments: tuple[str, ...]) -> Iterator[str]:
    """Yield the TPMs that a command line has, by their drivers."""
    for option, value in options_in(arguments):
        if option == "device":
            driver = properties_of(value, "driver").get("driver", "")
            if driver in _DEVICES:
                yield driver

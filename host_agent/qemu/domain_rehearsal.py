"""Rehearsals of a host's domains: as they run, and as they will start."""

import threading
from concurrent.futures import Future

from host_agent.difference import Difference
from host_agent.domain import architectures
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.evidence import rehearsal_diff, what_guests_notice
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.evidence.running import Running
from host_agent.evidence.what_guests_notice import Notice
from host_agent.firmware.smbios import SmbiosError
from host_agent.hypervisor import Hypervisor
from host_agent.missing import Missing, Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import kept_rehearsal, rehearsal, rehearsal_shape
from host_agent.qemu.binary import Identity, QemuBinary
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.options import from_text
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain
from host_agent.qemu.rehearsal_store import RehearsalStore

_Asked = tuple[Identity, RehearsalOptions]


class DomainRehearsal:
    """So many at a time, and one for all domains of a shape, which is kept on disk."""

    def __init__(
        self,
        at_once: int = 1,
        seconds: float = rehearsal.SECONDS,
        store: RehearsalStore | None = None,
    ) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._seconds = seconds
        self._store = store or RehearsalStore()
        self._lock = threading.Lock()
        self._made: dict[_Asked, Future[Rehearsed]] = {}

    def now(self, running: Running, active: Definition) -> Rehearsed | Missing:
        """Return what a guest finds that boots as the domain was started, on what runs it now."""
        try:
            binary = qemu_binary.running(running.pid, running.binary)
            return self._rehearsed(binary, _options(running.arguments, active))
        except EvidenceError as error:
            return error.missing

    def plugged(
        self, hypervisor: Hypervisor, running: Running, active: Definition, xml: str
    ) -> Rehearsed | Missing:
        """Return what a guest finds that boots with all that its active XML has by now.

        What was plugged in since its start is on no command line.
        """
        try:
            binary = qemu_binary.running(running.pid, running.binary)
        except EvidenceError as error:
            return error.missing
        return self.of_xml(hypervisor, active, xml, binary)

    def of_xml(
        self,
        hypervisor: Hypervisor,
        definition: Definition,
        xml: str,
        binary: QemuBinary | None = None,
    ) -> Rehearsed | Missing:
        """Return what a guest finds that starts with this XML.

        ``binary``: another one than the XML names, which is installed.
        """
        try:
            options = _options(hypervisor.native_arguments(xml), definition)
            return self._rehearsed(binary or _installed(definition), options)
        except EvidenceError as error:
            return error.missing

    def of_arguments(
        self, binary: QemuBinary, arguments: tuple[str, ...], definition: Definition
    ) -> Rehearsed | Missing:
        """Return what a guest finds that this command line starts."""
        try:
            return self._rehearsed(binary, _options(arguments, definition))
        except EvidenceError as error:
            return error.missing

    def of_baseline(
        self, hypervisor: Hypervisor, definition: Definition, xml: str, before: Baseline
    ) -> Rehearsed | Missing:
        """Return what a guest finds that starts as it was when the baseline was taken.

        It has the installed binary and the firmware that the XML, its definition of today, names.
        """
        if before.options is None or before.devices is None:
            return Missing(
                reason=Reason.ABSENT,
                sentence="the baseline holds no devices: they were not to be seen, or an older "
                "samemachine took it",
                remedy="samemachine verify, or samemachine baseline, where the domain runs",
            )
        try:
            own = _options(hypervisor.native_arguments(xml), definition)
            options = kept_rehearsal.from_text(before.devices, from_text(before.options), own)
            return self._rehearsed(_installed(definition), options)
        except OptionsError as error:
            return Missing(reason=Reason.FAILED, sentence=str(error))
        except EvidenceError as error:
            return error.missing

    def differences(
        self, hypervisor: Hypervisor, definition: Definition, before: str, after: str
    ) -> tuple[Difference, ...] | Missing:
        """Return what the installed binary makes otherwise of one XML than of another."""
        old = self.of_xml(hypervisor, definition, before)
        new = self.of_xml(hypervisor, definition, after)
        if isinstance(old, Missing):
            return old
        if isinstance(new, Missing):
            return new
        try:
            return rehearsal_diff.between(old, new)
        except SmbiosError as error:
            return Missing(reason=Reason.FAILED, sentence=f"the tables can't be compared: {error}")

    def noticed(
        self, hypervisor: Hypervisor, definition: Definition, before: str, after: str
    ) -> tuple[Notice, ...]:
        """Return what a guest notices of the second XML; none where it can't be rehearsed."""
        old = self.of_xml(hypervisor, definition, before)
        new = self.of_xml(hypervisor, definition, after)
        if isinstance(old, Missing) or isinstance(new, Missing):
            return ()
        try:
            return what_guests_notice.notices(rehearsal_diff.between(old, new), old, new)
        except SmbiosError:
            return ()

    def _rehearsed(self, binary: QemuBinary, options: RehearsalOptions) -> Rehearsed:
        shared, shape = rehearsal_shape.of(options)
        found = rehearsal_shape.filled(self._of_shape(binary, shared), shape)
        return self._of_shape(binary, options) if found is None else found

    def _of_shape(self, binary: QemuBinary, options: RehearsalOptions) -> Rehearsed:
        """Return the rehearsal of a shape, which whoever comes first makes for all."""
        asked = binary.identity, options
        with self._lock:
            made = self._made.get(asked)
            mine = made is None
            if made is None:
                made = self._made[asked] = Future()
        if mine:
            try:
                made.set_result(self._stored_or_new(binary, options))
            except BaseException as error:
                made.set_exception(error)
                raise
        return made.result()

    def _stored_or_new(self, binary: QemuBinary, options: RehearsalOptions) -> Rehearsed:
        found = self._store.get(binary, options)
        if found is None:
            with self._turns:
                found = rehearsal.rehearse(binary, options, self._seconds)
            self._store.put(binary, options, found)
        return found


def _installed(definition: Definition) -> QemuBinary:
    """Return the binary that a definition names; raises ``EvidenceError``."""
    if definition.emulator is None:
        raise EvidenceError(Reason.ABSENT, "the domain XML names no emulator")
    return qemu_binary.installed(definition.emulator)


def _options(arguments: tuple[str, ...], definition: Definition) -> RehearsalOptions:
    try:
        return from_domain(arguments, architectures.qemus(definition.architecture))
    except OptionsError as error:
        raise EvidenceError(Reason.FAILED, str(error)) from error

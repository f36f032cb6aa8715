"""What QEMU itself says that a domain's guest is shown: now, and at its next start."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import replace
from typing import NamedTuple

from host_agent.difference import Difference
from host_agent.domain import architectures, start_options
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError, QemuEndedError
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware import effects, fingerprint_diff, fingerprint_parts, smbios
from host_agent.firmware.fingerprint import ANCHOR, SMBIOS
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.hypervisor import Hypervisor
from host_agent.missing import Missing, Reason
from host_agent.printable import printable
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import probe
from host_agent.qemu import shape as shapes
from host_agent.qemu.binary import Identity, QemuBinary
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.options import KVM, ProbeOptions, from_command_line, from_text, to_text
from host_agent.qemu.probe import Probed
from host_agent.qemu.probe_store import FingerprintStore
from host_agent.qemu.session import kvm_groups
from host_agent.qemu.shape import Shape

_TOO_LATE = (
    "a replaced QEMU may not start any more: audit before an upgrade, whose probes are kept; "
    "until then move the domain, or stop and start it"
)
_PROBED = frozenset({"x86_64", "i386", "aarch64", "riscv64"})
"""QEMU's words for targets whose tables a probe can read."""


_MOST_SHAPES = 512
"""How many shapes' probes are remembered."""


class DomainProbe:
    """Probes for domains of one host: so many at a time, and one for all domains of a shape.

    A probe is remembered, and one that failed until ``refreshed``.
    """

    def __init__(self, at_once: int, store: FingerprintStore | None = None) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._store = store or FingerprintStore()
        self._lock = threading.Lock()
        self._made: OrderedDict[_Asked, Future[Probed]] = OrderedDict()
        self._tried: dict[_Asked, _Asked] = {}
        """What was asked without what shows nothing → as it was asked."""

    def refreshed(self) -> None:
        """Let what failed be tried again."""
        with self._lock:
            for asked, made in list(self._made.items()):
                if made.done() and made.exception() is not None:
                    del self._made[asked]

    def now(self, running: Running, active: Definition) -> ProbedTables | Missing:
        """Return what the binary that runs now builds with the options it was started with."""
        try:
            architecture = _architecture(active)
            options = _options(running.arguments, architecture)
            return self._tables(qemu_binary.running(running.pid, running.binary), options)
        except EvidenceError as error:
            if running.replaced and error.missing.reason is Reason.FAILED:
                return replace(error.missing, remedy=_TOO_LATE)
            return error.missing

    def next_start(
        self, hypervisor: Hypervisor, persistent: Definition, xml: str
    ) -> ProbedTables | Missing:
        """Return what the installed binary will build with the persistent XML.

        ``NO_START``: it does not take the options that libvirt writes for that.
        """
        try:
            architecture = _architecture(persistent)
            if persistent.emulator is None:
                raise EvidenceError(Reason.ABSENT, "the domain XML names no emulator")
            options = _options(hypervisor.native_arguments(xml), architecture, starting=True)
            return self._tables(qemu_binary.installed(persistent.emulator), options)
        except QemuEndedError as error:
            # Its words are of the domain's options only where these are what it was given.
            own = options.accelerator != KVM or kvm_groups() is not None
            return start_options.refusal(error.missing, error.said if own else None)
        except EvidenceError as error:
            return error.missing

    def differences(
        self, hypervisor: Hypervisor, definition: Definition, before: str, after: str
    ) -> tuple[Difference, ...] | Missing:
        """Return what the installed binary builds otherwise with one XML than with another."""
        try:
            architecture = _architecture(definition)
            if definition.emulator is None:
                raise EvidenceError(Reason.ABSENT, "the domain XML names no emulator")
            binary = qemu_binary.installed(definition.emulator)
            old, new = (
                self._probed(binary, _options(hypervisor.native_arguments(xml), architecture))[0]
                for xml in (before, after)
            )
            found = fingerprint_diff.differences(
                old.fingerprint, new.fingerprint, old.masked | new.masked
            )
            bios = definition.firmware == "bios"
            return tuple(one for one in found if bios or not effects.is_entry_point(one))
        except EvidenceError as error:
            return error.missing
        except ValueError as error:
            return Missing(reason=Reason.FAILED, sentence=f"the tables can't be compared: {error}")

    def forecast(
        self, running: Running, active: Definition, options: str
    ) -> ProbedTables | Missing:
        """Return what the binary that runs now builds with the options of a baseline."""
        try:
            _architecture(active)
            kept = from_text(options)
            return self._tables(qemu_binary.running(running.pid, running.binary), kept)
        except OptionsError as error:
            return Missing(reason=Reason.FAILED, sentence=str(error))
        except EvidenceError as error:
            return error.missing

    def _tables(self, binary: QemuBinary, options: ProbeOptions) -> ProbedTables:
        probed, usable = self._probed(binary, options, tables_only=True)
        return ProbedTables(
            binary=binary.path,
            smbios=_smbios(probed),
            masked=probed.masked,
            accelerator=usable.accelerator,
            qemu=probed.qemu,
            options=to_text(options),
            parts=fingerprint_parts.lines(probed.fingerprint),
        )

    def _probed(
        self, binary: QemuBinary, options: ProbeOptions, *, tables_only: bool = False
    ) -> tuple[Probed, ProbeOptions]:
        """Return a probe, and the options that it could be made with.

        ``tables_only``: one that was made to try a start serves as well.
        """
        usable = options
        if options.accelerator == KVM and kvm_groups() is None:
            usable = options.without_kvm()
        shape = shapes.of(usable)
        probed = self._of_shape(binary, shape.options, tables_only=tables_only)
        own = _with_own(probed, shape, usable)
        if own is None:
            own = self._of_shape(binary, usable, tables_only=tables_only)
        return own, usable

    def _of_shape(self, binary: QemuBinary, options: ProbeOptions, *, tables_only: bool) -> Probed:
        """Return the probe of a shape, which whoever comes first makes for all."""
        whole = _Asked(binary.identity, options, tables=False)
        asked = whole._replace(tables=tables_only and not options.harmless)
        with self._lock:
            made = self._made.get(asked)
            if made is None and tables_only:
                made = self._succeeded(whole) or self._succeeded(self._tried.get(_plain(whole)))
            mine = made is None
            if made is None:
                made = self._made[asked] = Future()
                self._tried[_plain(asked)] = asked
                while len(self._made) > _MOST_SHAPES:
                    gone, _ = self._made.popitem(last=False)
                    self._tried.pop(_plain(gone), None)
        if mine:
            try:
                made.set_result(self._stored_or_new(binary, asked))
            except BaseException as error:
                made.set_exception(error)
                raise
        return made.result()

    def _succeeded(self, asked: "_Asked | None") -> "Future[Probed] | None":
        made = None if asked is None else self._made.get(asked)
        return made if made and made.done() and made.exception() is None else None

    def _stored_or_new(self, binary: QemuBinary, asked: "_Asked") -> Probed:
        options = asked.options
        probed = self._store.get(binary.identity, options)
        if probed is None and asked.tables:
            probed = self._store.get(binary.identity, options, tables=True)
        if probed is None:
            with self._turns:
                probed = probe.probe(binary, options)
            self._store.put(binary.identity, options, probed)
            if options.harmless:
                # After an upgrade of its package this binary may not start any more.
                plain = replace(options, harmless=())
                self._store.put(binary.identity, plain, _asked_as(probed, plain), tables=True)
        return probed


class _Asked(NamedTuple):
    """What was asked of which binary."""

    identity: Identity
    options: ProbeOptions
    tables: bool
    """Whether the tables are all that is wanted: files of fw_cfg tell how a start was tried."""


def _plain(asked: _Asked) -> _Asked:
    """Return the same without what shows nothing."""
    return asked._replace(options=replace(asked.options, harmless=()), tables=False)


def _asked_as(probed: Probed, options: ProbeOptions) -> Probed:
    command = tuple(map(printable, options.command()))
    return replace(probed, fingerprint=replace(probed.fingerprint, options=command))


def _with_own(probed: Probed, shape: Shape, options: ProbeOptions) -> Probed | None:
    """Return a shape's probe as one domain's; None: it can't be told from it."""
    fingerprint = probed.fingerprint
    files = shapes.filled(fingerprint.files, fingerprint.acpi, shape)
    if files is None:
        return None
    return _asked_as(replace(probed, fingerprint=replace(fingerprint, files=files)), options)


def _architecture(definition: Definition) -> str:
    architecture = architectures.qemus(definition.architecture)
    if architecture not in _PROBED:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"QEMU shows {definition.architecture or 'such'} guests no SMBIOS tables",
        )
    return architecture


def _options(
    arguments: tuple[str, ...], architecture: str, *, starting: bool = False
) -> ProbeOptions:
    try:
        return from_command_line(arguments, architecture, starting=starting)
    except OptionsError as error:
        raise EvidenceError(Reason.FAILED, str(error)) from error


def _smbios(probed: Probed) -> Smbios | None:
    files = probed.fingerprint.files
    if not files.get(SMBIOS):
        return None
    try:
        return smbios.parse(files.get(ANCHOR, b""), files[SMBIOS], "QEMU itself, probed")
    except SmbiosError as error:
        raise EvidenceError(Reason.FAILED, f"QEMU's tables can't be read: {error}") from error

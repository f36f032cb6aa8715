"""What QEMU itself says that a domain's guest is shown: now, and at its next start."""

import threading
from dataclasses import replace

from host_agent.difference import Difference
from host_agent.domain import architectures, start_options
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError, QemuEndedError
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware import effects, fingerprint_diff, smbios
from host_agent.firmware.fingerprint import ANCHOR, SMBIOS
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.hypervisor import Hypervisor
from host_agent.missing import Missing, Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import probe
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.options import (
    KVM,
    OptionsError,
    ProbeOptions,
    from_command_line,
    from_text,
    to_text,
)
from host_agent.qemu.probe import Probed
from host_agent.qemu.probe_store import FingerprintStore
from host_agent.qemu.session import kvm_groups

_TOO_LATE = (
    "a replaced QEMU may not start any more: audit before an upgrade, whose probes are kept; "
    "until then move the domain, or stop and start it"
)
_PROBED = frozenset({"x86_64", "i386", "aarch64"})
"""QEMU's words for targets whose tables a probe can read."""


class DomainProbe:
    """Probes for domains of one host, so many at a time, and none twice."""

    def __init__(self, at_once: int, store: FingerprintStore | None = None) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._store = store or FingerprintStore()

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
        probed, usable = self._probed(binary, options)
        return ProbedTables(
            binary=binary.path,
            smbios=_smbios(probed),
            masked=probed.masked,
            accelerator=usable.accelerator,
            qemu=probed.qemu,
            options=to_text(options),
        )

    def _probed(self, binary: QemuBinary, options: ProbeOptions) -> tuple[Probed, ProbeOptions]:
        usable = options
        if options.accelerator == KVM and kvm_groups() is None:
            usable = options.without_kvm()
        probed = self._store.get(binary.identity, usable)
        if probed is None:
            with self._turns:
                probed = probe.probe(binary, usable)
            self._store.put(binary.identity, usable, probed)
        return probed, usable


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

"""What a guest finds at its next boot elsewhere, rehearsed: its machine here, and under that QEMU.

And what becomes of its TPM's registers at its first start there.

A QEMU can be rehearsed that can be run from here: this host's own, another binary of it, or that of
another system whose root folder is here. Nothing stands for one that can't: what lacks is said.
"""

from collections.abc import Callable
from dataclasses import dataclass

from host_agent.case.telling import Telling
from host_agent.difference import series
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.evidence import nic_names, rehearsal_diff
from host_agent.evidence.measured import Outlook
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.evidence.running import Running
from host_agent.firmware.smbios import SmbiosError
from host_agent.hypervisor import Domain
from host_agent.hypervisor.connection import QEMU
from host_agent.migrate.facts import End, MachineThere, Under
from host_agent.missing import Missing, Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.domain_rehearsal import DomainRehearsal
from host_agent.qemu.domain_tpm import DomainTpm
from host_agent.qemu.rehearsal_store import RehearsalStore

Arguments = Callable[[str], tuple[str, ...] | Missing]
"""Returns the command line that a libvirt would start a domain of this XML with."""


_NO_REGISTERS = Missing(
    reason=Reason.ABSENT,
    sentence="no process of it is to be seen, so that nothing can be held against its TPM",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A domain that is to boot there."""

    definition: Definition
    """Of the XML."""
    xml: str
    """The active XML, else the persistent one."""
    process: Running | None
    """What runs it; None: it does not run, or is not to be seen."""
    local: bool
    """Whether it is on this host."""
    driver: str = QEMU
    """libvirt's, that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A QEMU that a domain's machine is rehearsed on."""

    binary: QemuBinary
    rehearsal: DomainRehearsal
    end: End | None = None
    """The host that it stands for; None: it is its host's own."""

    def made(
        self, definition: Definition, arguments: tuple[str, ...] | Missing
    ) -> Rehearsed | Missing:
        """Return what a guest finds there that this command line starts."""
        if isinstance(arguments, Missing):
            return arguments
        made = self.rehearsal.of_arguments(self.binary, arguments, definition)
        end = self.end
        if isinstance(made, Missing) or end is None or end.qemu is None:
            return made
        if series(made.qemu) != series(end.qemu):
            return Missing(
                reason=Reason.REFUSED,
                sentence=f"the QEMU that was named is {made.qemu}, and {end.title} has another",
                remedy="--root FOLDER: the target's own system",
            )
        return made


class Rehearsals:
    """Rehearsals of domains that go to one target: one for all of a shape."""

    def __init__(self, under: Under, store: RehearsalStore | None = None) -> None:
        self._under = under
        self._rehearsal = DomainRehearsal(seconds=under.seconds, store=store)

    def there(
        self, going: Going, here: Arguments, there: Arguments, target: End
    ) -> MachineThere | Missing:
        """Return what the guest finds otherwise there; ``here``, ``there``: both ends' libvirts."""
        try:
            now = self.present(going)
            after = self.seat(going.definition, target)
        except EvidenceError as error:
            return error.missing
        before = now.made(going.definition, here(going.xml))
        if isinstance(before, Missing):
            return before
        made = after.made(going.definition, there(going.xml))
        return made if isinstance(made, Missing) else compared(before, made)

    def sealed(
        self,
        going: Going,
        domain: Domain,
        telling: Telling,
        arguments: tuple[str, ...] | Missing,
        target: End,
        *,
        stays: bool = False,
    ) -> Outlook | Missing:
        """Return what a start there by this command line does to the TPM that its guest has now.

        ``stays``: the target is what becomes of the domain's own host.
        """
        if going.process is None:
            return _NO_REGISTERS
        if isinstance(arguments, Missing):
            return arguments
        guest = telling.tpm(domain, going.process)
        if isinstance(guest, Missing):
            return guest
        try:
            binary = self.seat(going.definition, target).binary
        except EvidenceError as error:
            return error.missing
        under = self._under
        one = DomainTpm(
            domain,
            going.process,
            going.definition,
            guest,
            under.seconds,
            read_esp=under.read_esp,
        )
        return one.start(arguments, binary, here=stays or under.local)

    def present(self, going: Going) -> Seat:
        """Return what the domain has now; raises ``EvidenceError``."""
        return Seat(binary=_present(going), rehearsal=self._rehearsal)

    def seat(self, definition: Definition, target: End) -> Seat:
        """Return what a domain would have at the target; raises ``EvidenceError``."""
        under = self._under
        if under.qemu is None and under.root is None and not under.local:
            raise EvidenceError(
                Reason.UNSUPPORTED,
                f"the QEMU of {target.name} can't be run from here",
                "--root FOLDER: its system's root folder; or --qemu BINARY: the same on this host",
            )
        binary = qemu_binary.installed(under.qemu or _emulator(definition), under.root)
        return Seat(binary=binary, rehearsal=self._rehearsal, end=target)


def compared(
    before: Rehearsed, after: Rehearsed, machine: str | None = None
) -> MachineThere | Missing:
    """Return what a guest finds otherwise than before; ``machine``: its type, if another one."""
    try:
        return MachineThere(
            qemu=after.qemu,
            differences=(
                *rehearsal_diff.between(before, after),
                *nic_names.renamed(before, after),
            ),
            machine=machine,
        )
    except SmbiosError as error:
        return Missing(reason=Reason.FAILED, sentence=f"the tables can't be compared: {error}")


def _present(going: Going) -> QemuBinary:
    """Return the binary that the domain has now; raises ``EvidenceError``."""
    if going.driver != QEMU:
        raise EvidenceError(
            Reason.UNSUPPORTED, f"libvirt's {going.driver} driver runs no QEMU that could be"
        )
    if not going.local:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            "a QEMU can be rehearsed only on its own host",
            "run samemachine on the source",
        )
    if going.process is not None:
        return qemu_binary.running(going.process.pid, going.process.binary)
    return qemu_binary.installed(_emulator(going.definition))


def _emulator(definition: Definition) -> str:
    if definition.emulator is None:
        raise EvidenceError(Reason.ABSENT, "the domain XML names no emulator")
    return definition.emulator

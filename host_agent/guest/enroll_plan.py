"""May a domain be given our channel, or lose it, and what is there to say of it? Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

from host_agent.domain.definition import Definition
from host_agent.domain.owner import WRITES_DEFINITION, Owner, OwnerKind
from host_agent.domain.virtio_serial import CHANNEL, VirtioSerial
from host_agent.missing import Missing
from host_agent.printable import argument, operand, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to become of domains."""

    remove: bool = False
    live: bool = False
    """At once, not only from the next start on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollee:
    """A domain, as far as it matters here."""

    definition: Definition
    """The persistent one, else the active one."""
    owner: Owner
    persistent: VirtioSerial | None
    """None: the domain is transient."""
    active: VirtioSerial | None
    """None: the domain is not running."""
    guest_end_open: bool | None = None
    """Whether a program in the guest has the channel open; None: libvirt does not say."""
    saved: bool = False
    """A managed-save image holds its guest."""
    job: Missing | None = None
    """A job of libvirt's that is under way."""
    denied: Missing | None = None
    """Why the connection may not change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done with one domain."""

    persistent: bool = False
    """Whether the definition changes."""
    live: bool = False
    """Whether the running domain changes."""
    refused: str | None = None
    """Why it is not done."""
    remedy: str | None = None
    """What to do about the refusal."""
    foreign: bool = False
    """Refused because somebody else manages the domain."""
    said: tuple[str, ...] = ()
    """What whoever asked should know, in sentences."""

    @property
    def changes(self) -> bool:
        """Tell whether there is anything to do."""
        return self.persistent or self.live


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One domain, and what is to be done with it."""

    name: str
    uuid: str
    definition: Definition | None
    """None: it could not be looked at."""
    plan: Plan
    foretold: tuple[str, ...] = ()
    """The lines of the definition that will come or go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What was done with one domain."""

    planned: Planned
    done: bool = False
    changed: tuple[str, ...] = ()
    """The lines of the definition that came or went."""
    error: str | None = None
    """What libvirt refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """What became of the domains of one host."""

    host: str
    wish: Wish
    dry_run: bool
    agreed: bool
    """Whether whoever was asked said yes."""
    results: tuple[Enrolled, ...]
    interrupted: bool = False


def decide(enrollee: Enrollee, wish: Wish) -> Plan:
    """Return what is to be done, or why nothing is."""
    for refusal in (_denied, _foreign, _transient, _saved):
        plan = refusal(enrollee, wish)
        if plan is not None:
            return plan
    plan = _removal(enrollee, wish) if wish.remove else _addition(enrollee, wish)
    if plan.changes and enrollee.job is not None:
        return Plan(refused=enrollee.job.sentence, remedy=enrollee.job.remedy)
    return plan


def _denied(enrollee: Enrollee, _: Wish) -> Plan | None:
    denied = enrollee.denied
    return None if denied is None else Plan(refused=denied.sentence, remedy=denied.remedy)


_ELEMENT = "".join(line.strip() for line in CHANNEL.splitlines())
# Where an owner has a way of its own to give a guest a channel, and what it is.
_WAYS = {
    # nova, nova/virt/libvirt/driver.py: _set_qemu_guest_agent is the only channel by property.
    OwnerKind.NOVA: "Nova has no setting for a channel of this name; samemachine reads the tables "
    "in such a guest's memory without one: samemachine audit {uuid}",
    # vdsm, doc "VDSM hooks": before_vm_start gets the domain XML.
    OwnerKind.OVIRT: "a VDSM hook on each host, /usr/libexec/vdsm/hooks/before_vm_start/, that "
    "adds to the domain XML: {element}",
    # kubevirt, docs: hook sidecar container, onDefineDomain.
    OwnerKind.KUBEVIRT: "a hook sidecar (annotation hooks.kubevirt.io/hookSidecars) whose "
    "onDefineDomain adds to the domain of {name}: {element}",
    # opennebula, "Virtual Machine Template": RAW section; onevm(1) updateconf.
    OwnerKind.OPENNEBULA: "onevm updateconf {operand}, with RAW = [ TYPE = \"kvm\", DATA = "
    "\"<devices>{element}</devices>\" ]",
    # cloudstack, "Additional VM configuration": detail extraconfig.
    OwnerKind.CLOUDSTACK: "the instance's detail extraconfig-1 (where "
    "enable.additional.vm.configuration is set): <devices>{element}</devices>",
    OwnerKind.TRUENAS: "TrueNAS has no setting for a channel of this name; samemachine reads the "
    "tables in such a guest's memory without one: samemachine audit {uuid}",
    OwnerKind.ZSTACK: "ZStack has no setting for a channel of this name; samemachine reads the "
    "tables in such a guest's memory without one: samemachine audit {uuid}",
    OwnerKind.UNRAID: "in Unraid: VMs, {name}, Edit, XML View: {element}",
}  # fmt: skip


def _foreign(enrollee: Enrollee, _: Wish) -> Plan | None:
    """Refuse where the owner writes the definition anew: the channel would be lost again."""
    kind = enrollee.owner.kind
    if kind not in WRITES_DEFINITION:
        return None
    called = enrollee.owner.name or enrollee.definition.name
    way = _WAYS[kind].format(
        name=called,
        operand=operand(called),
        quoted=quoted(called),
        uuid=enrollee.definition.uuid,
        element=_ELEMENT,
    )
    return Plan(
        refused=f"{kind} manages this domain and writes its definition anew",
        remedy=way,
        foreign=True,
    )


def _transient(enrollee: Enrollee, wish: Wish) -> Plan | None:
    if enrollee.persistent is not None or wish.live:
        return None
    return Plan(
        refused="the domain is transient: it has no definition that a next start would go by",
        remedy="change it where the domain is made, or for this run only: --live",
    )


def _saved(enrollee: Enrollee, wish: Wish) -> Plan | None:
    """The saved guest is restored with the devices that it was saved with."""
    if not enrollee.saved:
        return None
    name = argument(enrollee.definition.name, enrollee.definition.uuid)
    without = enrollee.persistent is not None and enrollee.persistent.channel is None
    if without == wish.remove:
        # What is to be done is done already.
        return None
    return Plan(
        refused="a managed-save image holds its guest: the next start restores that one, with the "
        "devices it had, and ignores the definition",
        remedy=f"virsh start {name}, which restores it, then again; or, if what it had in "
        f"memory may be lost: virsh managedsave-remove {name}",
    )


def _addition(enrollee: Enrollee, wish: Wish) -> Plan:
    persistent, active = enrollee.persistent, enrollee.active
    to_persistent = persistent is not None and persistent.channel is None
    lacks = active is not None and active.channel is None
    to_live = lacks and wish.live
    if to_live and active is not None and not active.has_room:
        return Plan(
            refused=_no_room(active),
            remedy="without --live it applies at the next full stop and start",
        )
    if not to_persistent and not to_live:
        return Plan(said=tuple(_enrolled(enrollee, lacks=lacks)))
    said = []
    if to_persistent and persistent is not None and not persistent.controllers:
        said.append(
            "it has no virtio-serial controller: libvirt adds one, so at that start the guest gets "
            "a new PCI device, which a baseline taken before will tell"
        )
    if to_persistent and not to_live and lacks:
        said.append(
            "applies at its next full stop and start; a reboot inside the guest is not enough"
        )
    elif to_persistent and active is None:
        said.append("applies at its next start")
    if to_live:
        said.append("the running guest has the port at once, on a controller that it has already")
    said += _what_remains(enrollee)
    return Plan(persistent=to_persistent, live=to_live, said=tuple(said))


def _no_room(active: VirtioSerial) -> str:
    if not active.controllers:
        return (
            "the running domain has no virtio-serial controller, and one plugged in now would "
            "change the very machine that is to be proved"
        )
    return "the running domain's virtio-serial controllers have no free port"


def _enrolled(enrollee: Enrollee, *, lacks: bool) -> Iterator[str]:
    yield "is enrolled already"
    if lacks:
        yield "it runs without the channel until its next full stop and start"
    elif enrollee.active is not None and enrollee.guest_end_open is False:
        yield "nobody in the guest has opened it: is samemachine-guest installed and running there?"


def _what_remains(enrollee: Enrollee) -> Iterator[str]:
    yield "in the guest: install samemachine-guest, which starts when the port appears"
    definition = enrollee.definition
    yield f"then: samemachine baseline {argument(definition.name, definition.uuid)}"


def _removal(enrollee: Enrollee, wish: Wish) -> Plan:
    persistent, active = enrollee.persistent, enrollee.active
    to_persistent = persistent is not None and persistent.channel is not None
    has = active is not None and active.channel is not None
    to_live = has and wish.live
    if not to_persistent and not to_live:
        said = ["is not enrolled"]
        if has:
            said.append("it runs with the channel until its next full stop and start")
        return Plan(said=tuple(said))
    said = []
    if has and not to_live:
        said.append("the running guest keeps its port until the next full stop and start")
    said.append("a virtio-serial controller stays, so that the machine stays the same")
    return Plan(persistent=to_persistent, live=to_live, said=tuple(said))


def element(enrollee: Enrollee, wish: Wish, *, live: bool) -> str:
    """Return the element to plug in, or the one to take out."""
    if not wish.remove:
        return CHANNEL
    where = enrollee.active if live else enrollee.persistent
    return (where.channel if where else None) or CHANNEL


def foretold(enrollee: Enrollee, wish: Wish) -> tuple[str, ...]:
    """Return the lines of the definition that will come or go, marked ``+`` or ``-``.

    Socket, address and controller are libvirt's choice: what it chose is shown afterwards.
    """
    mark = "-" if wish.remove else "+"
    return tuple(f"{mark} {line}" for line in element(enrollee, wish, live=False).splitlines())


def changed(before: str, after: str) -> tuple[str, ...]:
    """Return the lines that came or went between two definitions, marked ``+`` or ``-``."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return tuple(
        f"{line[0]} {line[1:]}" for line in lines if line[0] in "+-" and line[:3] not in _HEADS
    )


_HEADS = "+++", "---"

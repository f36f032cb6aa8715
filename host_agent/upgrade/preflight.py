"""Findings on a machine-type upgrade before it is made. Pure.

A fail is an upgrade that libvirt or QEMU would refuse, or that must not be made though both would
let it pass.
"""

from host_agent.case.case import Occasion
from host_agent.case.results import Confirmed, Failed
from host_agent.difference import Effect
from host_agent.domain.owner import WRITES_DEFINITION, OwnerKind
from host_agent.evidence.sealed import of_start
from host_agent.finding import Finding, Outcome
from host_agent.firmware import effects
from host_agent.missing import Missing
from host_agent.printable import argument, operand, quoted, shortened
from host_agent.records.upgrade_record import Step
from host_agent.upgrade.facts import Raising

_SHOWN = 4
_LONGEST = 160
_WEIGHT = [Effect.BREAKING, Effect.IDENTITY, Effect.DRIVER, Effect.INVENTORY]


def run(raising: Raising) -> tuple[Finding, ...]:
    """Return the findings of all checks that apply."""
    return tuple(finding for check in CHECKS if (finding := check(raising)) is not None)


def refused(findings: tuple[Finding, ...]) -> bool:
    """Tell whether the upgrade must not be made."""
    return any(finding.outcome is Outcome.FAIL for finding in findings)


def is_there(raising: Raising) -> bool:
    """Tell whether there is nothing to do: the definition has its target, and nothing is open."""
    record = raising.resumed
    if record is not None and raising.back:
        return record.step in {Step.ROLLED_BACK, Step.PLANNED}
    if record is not None:
        # Staged, and waiting for what we are not asked to bring about.
        waits = raising.active is not None and raising.active.machine != record.new
        return record.step is Step.STAGED and (raising.active is None or (waits and raising.stage))
    if raising.persistent is None:
        return False
    return raising.target.name == raising.current == raising.persistent.machine


def _fail(check: str, sentence: str, remedy: str | None = None) -> Finding:
    return Finding(check=f"upgrade-{check}", outcome=Outcome.FAIL, sentence=sentence, remedy=remedy)


def _pass(check: str, sentence: str) -> Finding:
    return Finding(check=f"upgrade-{check}", outcome=Outcome.PASS, sentence=sentence)


def _warn(check: str, sentence: str, remedy: str | None = None) -> Finding:
    return Finding(check=f"upgrade-{check}", outcome=Outcome.WARN, sentence=sentence, remedy=remedy)


def _called(raising: Raising) -> str:
    return argument(raising.name, raising.uuid)


def _rights(raising: Raising) -> Finding | None:
    """``upgrade-rights``: the connection may change the domain."""
    if raising.denied is None:
        return None
    return _fail("rights", raising.denied, "run as root, or as a member of the group libvirt")


def _definition(raising: Raising) -> Finding | None:
    """``upgrade-definition``: a transient domain has none that a next start would go by."""
    if raising.persistent is not None:
        return None
    name = _called(raising)
    # A name that is no argument is no file's name either.
    plain = name != str(raising.uuid)
    file = quoted(f"{(raising.name if plain else name).replace('/', '_')}.xml")
    return _fail(
        "definition",
        "the domain is transient: it has no definition, and is gone once it stops",
        f"give it one: virsh dumpxml --inactive --security-info {name} >{file}; "
        f"virsh define {file}; or raise it where it is made",
    )


# Each writes the definition anew at a start or move, or keeps its own record of the type.
_COMMANDS = {
    # nova, doc/source/cli/nova-manage.rst: libvirt update_machine_type, of a stopped server.
    OwnerKind.NOVA: "openstack server stop {uuid}; nova-manage libvirt update_machine_type {uuid} "
    "{type}; openstack server start {uuid}",
    # ovirt-engine, "Edit Virtual Machine": System, Advanced Parameters.
    OwnerKind.OVIRT: "in the engine: Edit {title}, System, Custom Emulated Machine: {type}",
    # kubevirt, staging/src/kubevirt.io/api/core/v1/schema.go: Machine.Type.
    OwnerKind.KUBEVIRT: "kubectl patch vm {quoted} --type merge -p "
    """'{{"spec":{{"template":{{"spec":{{"domain":{{"machine":{{"type":"{type}"}}}}}}}}}}}}'"""
    "; virtctl restart {quoted}",
    # opennebula, "Virtual Machine Template": OS section, MACHINE; onevm(1) updateconf.
    OwnerKind.OPENNEBULA: "onevm updateconf {operand}, with OS = [ MACHINE = {type} ]",
    # cloudstack, pull requests 11569, 12414 (4.22): VmDetailConstants.KVM_GUEST_OS_MACHINE_TYPE.
    OwnerKind.CLOUDSTACK: "stop it in CloudStack; from 4.22 on, its setting "
    "kvm.guest.os.machine.type: {type}; before, the default is written at each start",
    # middleware, plugins/vm/vms.py: vm.update, machine_type.
    OwnerKind.TRUENAS: "in TrueNAS: Virtual Machines, {title}, Edit, Machine Type: {type}",
    # zstack, VmSystemTags: vmMachineType; the agent defines the domain at each start.
    OwnerKind.ZSTACK: "in ZStack, whose agent defines the domain at each start (system tag "
    "vmMachineType)",
    OwnerKind.UNRAID: "in Unraid: VMs, {title}, Edit, Machine: {type}",
}


def _journal(raising: Raising) -> Finding | None:
    """``upgrade-journal``: what an earlier command wrote down can be gone on from."""
    return None if raising.trouble is None else _fail("journal", raising.trouble)


def _owner(raising: Raising) -> Finding:
    """``upgrade-owner``: who manages the domain changes it; we would be overwritten, or in the way.

    Boxes and Cockpit leave the definition to libvirt, and no command of their own raises a type.
    """
    owner = raising.owner
    if owner.kind not in WRITES_DEFINITION:
        return _pass("owner", "libvirt only (no Nova, oVirt, KubeVirt, ... metadata)")
    title = owner.name or raising.name
    called = _COMMANDS[owner.kind].format(
        uuid=raising.uuid,
        title=title,
        operand=operand(title),
        quoted=quoted(title),
        type=raising.target.name or "MACHINE-TYPE",
    )
    return _fail("owner", f"{owner.kind} manages this domain, and must change it itself", called)


def _target(raising: Raising) -> Finding:
    """``upgrade-type``: there is a newer type of the family that every host given offers."""
    target, hosts = raising.target, raising.hosts
    if target.name is None:
        return _fail("type", target.why)
    where = f"asked: {', '.join(hosts)}" if hosts else ""
    note = f"; {target.note}" if target.note else ""
    sentence = f"{raising.before} -> {target.name}: {target.why} ({where}){note}"
    if target.note:
        return _warn("type", sentence)
    return _pass("type", sentence)


def _alias(raising: Raising) -> Finding | None:
    """``upgrade-alias``: the definition names no type of its own, and floats with QEMU."""
    written = raising.persistent.machine if raising.persistent else None
    if written is None or written == raising.current:
        return None
    return _warn(
        "alias",
        f'the definition says "{written}", here another name of {raising.current}; afterwards it '
        "names one type, and so it does when it is rolled back",
    )


def _pending(raising: Raising) -> Finding | None:
    """``upgrade-pending``: the guest runs another type than its definition has."""
    if raising.active is None or raising.resumed is not None:
        return None
    if raising.active.machine in {raising.current, raising.target.name}:
        return None
    return _warn(
        "pending",
        f"it runs as {raising.active.machine}, but its definition says {raising.current} already: "
        "rolled back, it gets that one",
    )


def _state(raising: Raising) -> Finding:
    """``upgrade-state``: a guest that runs can be asked to shut down; one that is off is off."""
    state = raising.state
    name = _called(raising)
    if raising.job is not None:
        return _fail("state", raising.job.sentence, raising.job.remedy)
    if raising.stage or state in {"running", "shut off", "crashed"}:
        return _pass("state", f"{state}, and no job of libvirt")
    remedies = {
        "paused": f"virsh resume {name}",
        "pmsuspended": f"virsh dompmwakeup {name}",
    }
    return _fail(
        "state",
        f"the domain is {state}: its guest can't be asked to shut down",
        remedies.get(state, f"wait, then look: virsh domstate {name}"),
    )


def _poweroff(raising: Raising) -> Finding | None:
    """``upgrade-poweroff``: libvirt must let the domain end when its guest shuts down."""
    if raising.on_poweroff == "destroy" or not raising.running or raising.stage:
        return None
    return _fail(
        "poweroff",
        f"its definition has <on_poweroff>{raising.on_poweroff}</on_poweroff>: a guest that shuts "
        "down does not end the domain",
        f"virsh edit {_called(raising)}, or --stage",
    )


def _saved(raising: Raising) -> Finding:
    """``upgrade-saved``: a saved guest holds the old machine; on another it can't be restored.

    QEMU refuses a stream of another machine type (``migration/savevm.c: configuration_post_load``).
    """
    name = _called(raising)
    if raising.saved:
        return _fail(
            "saved",
            "a managed-save image holds its guest, as the old machine",
            f"virsh start {name}, which restores it, then again; or, if what it had "
            f"in memory may be lost: virsh managedsave-remove {name}",
        )
    if raising.snapshots:
        names = shortened(", ".join(raising.snapshots), _LONGEST)
        return _fail(
            "saved",
            f"snapshots hold its guest's memory, as the old machine: {names}",
            f"remove them: virsh snapshot-delete {name} SNAPSHOT; or leave the machine type",
        )
    return _pass("saved", "no managed-save image, no snapshot with memory")


def _forecast(raising: Raising) -> Finding | None:
    """``upgrade-forecast``: what the guest will find at its first boot on the new machine type."""
    if raising.target.name in {None, raising.current}:
        return None
    found = raising.forecast
    if isinstance(found, Missing):
        return Finding(
            check="upgrade-forecast",
            outcome=Outcome.UNKNOWN,
            sentence=f"what the guest will see is not known: {found.sentence}",
            remedy=found.remedy,
        )
    if not found:
        return _pass("forecast", "the guest will see the same firmware tables")
    ordered = sorted(found, key=lambda one: _WEIGHT.index(effects.of(one).effect))
    shown = "; ".join(shortened(str(one), _LONGEST) for one in ordered[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if found[_SHOWN:] else ""
    who = "; ".join(dict.fromkeys(effects.of(one).who for one in ordered))
    return Finding(
        check="upgrade-forecast",
        outcome=Outcome.WARN,
        sentence=f"the guest will see {shown}{more}",
        remedy=f"who notices: {who}",
        differences=tuple(ordered),
    )


def _sealed(raising: Raising) -> Finding | None:
    """``upgrade-sealed``: what is bound to the TPM's registers opens at that first start."""
    if raising.sealed is None or raising.target.name in {None, raising.current}:
        return None
    return of_start("upgrade-sealed", raising.sealed, "its first stop and start")


def against_forecast(raising: Raising, after: Confirmed | Failed | None) -> str | None:
    """Say what changed for the guest that was not forecast; None: nothing, or it is not known.

    The firmware's SMBIOS tables are what both sides know.
    """
    if isinstance(raising.forecast, Missing) or not isinstance(after, Confirmed):
        return None
    if after.audited.case.occasion is not Occasion.UPGRADE:
        return None
    known = {str(one) for one in raising.forecast}
    others = [
        str(one)
        for finding in after.audited.verdict.findings
        if finding.check == "same-smbios"
        for one in finding.differences
        if str(one) not in known
    ]
    if not others:
        return None
    return shortened(f"not forecast: {'; '.join(others)}", _LONGEST)


CHECKS = (
    _rights, _definition, _journal, _owner, _target, _alias, _pending, _state, _poweroff, _saved,
    _forecast, _sealed,
)  # fmt: skip

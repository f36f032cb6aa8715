"""``identity``: is the guest's UUID the domain's?"""

from uuid import UUID

from host_agent.case.case import Case
from host_agent.case.expectation import Expectation
from host_agent.checks.shared import platform
from host_agent.domain.definition import Definition
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.firmware.smbios import Named, swapped
from host_agent.missing import Missing

ID = "identity"
_REMEDY = (
    "find out which machine this is: compare virsh dumpxml with the guest, and look for a second "
    "domain with that UUID"
)


def check(case: Case) -> Finding:
    """Compare the type 1 UUID (DSP0134 7.2.1) in every view with the domain's.

    That is its ``<hwuuid>`` where it has one (libvirt formatdomain.rst, from 11.6 on): several
    domains may have the same, of which one may run at a time. Machine types up to 2.1, and
    SeaBIOS where QEMU gives it no tables (isapc, microvm; its ``src/fw/smbios.c``), write it with
    the first fields' bytes in the other order; either is the domain's. A machine without SMBIOS
    says it in its device tree (``vm,uuid``; QEMU ``hw/ppc/spapr.c: spapr_build_fdt``) or by the
    instruction that /proc/sysinfo shows (``target/s390x``: STSI 3.2.2), both with the domain's
    name. Whatever the
    guest shows, a domain that two hosts run at once is not told apart from its copy.
    """
    if case.declared.active is None:
        return not_running(ID)
    declared = case.declared.active.guest_uuid
    if case.elsewhere:
        return _twice(case)
    seen = _seen(case)
    if not seen and not isinstance(case.expected, Missing) and not case.expected.visible:
        return _by_platform(case, case.declared.active, case.expected)
    other = _other(seen, declared)
    if other is not None:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"the guest {other[0]} UUID {other[1]}, libvirt says {declared}",
            expected=str(declared),
            observed=str(other[1]),
            remedy=_REMEDY,
        )
    if not seen:
        why = case.booted
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=why.sentence if isinstance(why, Missing) else "the guest shows no UUID",
            remedy=why.remedy if isinstance(why, Missing) else None,
        )
    which = "UUID" if case.declared.active.hardware_uuid is None else "hwuuid"
    order = "" if seen[0][1] == declared else ", bytes swapped as old machine types do"
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"the guest has the domain's {which}{order}",
        expected=str(declared),
        observed=str(seen[0][1]),
    )


def _by_platform(case: Case, active: Definition, expected: Expectation) -> Finding:
    if expected.family is None:
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=expected.why)
    said = platform.shown(case)
    if isinstance(said, Missing):
        return unknown(ID, said)
    if said.uuid is None:
        return Finding(
            check=ID, outcome=Outcome.UNKNOWN, sentence=f"{said.source} of the guest has no UUID"
        )
    if said.uuid != active.guest_uuid:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"the guest reads in {said.source} UUID {said.uuid}, libvirt says "
            f"{active.guest_uuid}",
            expected=str(active.guest_uuid),
            observed=str(said.uuid),
            remedy=_REMEDY,
        )
    other = said.another_name(active.name)
    if other is not None:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"the guest has the domain's UUID, but reads in {said.source} the name "
            f"{other}",
            expected=active.name,
            observed=other,
            remedy=_REMEDY,
        )
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"the guest reads the domain's UUID{' and name' if said.named else ''} in "
        f"{said.source}",
        expected=str(active.guest_uuid),
        observed=str(said.uuid),
    )


def _seen(case: Case) -> list[tuple[str, UUID]]:
    return [
        (word, view.uuid)
        for word, view in (("booted with", case.booted), ("is now served", case.live))
        if isinstance(view, Named) and view.uuid is not None
    ]


def _other(seen: list[tuple[str, UUID]], declared: UUID) -> tuple[str, UUID] | None:
    """Return the first UUID that is not the domain's, and how it was seen."""
    return next((one for one in seen if one[1] not in {declared, swapped(declared)}), None)


def _twice(case: Case) -> Finding:
    definition, declared = case.declared.definition, case.declared
    others = " and ".join(
        f"{one.host} ({one.state})"
        if one.name == definition.name
        else f"{one.host} as {one.name} ({one.state})"
        for one in case.elsewhere
    )
    uuid = definition.guest_uuid
    other = _other(_seen(case), uuid)
    also = "" if other is None else f"; and the guest here {other[0]} UUID {other[1]}"
    return Finding(
        check=ID,
        outcome=Outcome.FAIL,
        sentence=f"the domain runs on {case.host} ({declared.state}) and on {others} at once, with "
        f"UUID {uuid}{also}",
        expected=f"{definition.name} on {case.host} only",
        observed=f"on {case.host} and on {', '.join(one.host for one in case.elsewhere)}",
        remedy="look at both: one UUID must not run twice"
        + ("" if definition.hardware_uuid is None else ", though several domains may have it"),
    )

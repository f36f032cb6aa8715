"""``template``: would a new guest with this firmware get other keys on this host today?"""

from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.uefi import PCR_7, keyed, listed, origin
from host_agent.finding import Finding, Outcome, unknown
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a UEFI.
    from host_agent.evidence.nvram import Certificate, Nvram

ID = "template"

_DATABASES = "KEK", "db"


def check(case: Case) -> Finding:
    """Compare the store with the template that it would be made from.

    libvirt copies the template once (``qemuPrepareNVRAM``), at the first start: a guest keeps its
    store when the host is upgraded, and the template is of the firmware's package of today.
    """
    found = keyed(ID, case)
    if isinstance(found, Finding):
        return found
    template = case.template
    if isinstance(template, Missing):
        return unknown(ID, template)
    more = _more(template, found)
    if not template.databases:
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            sentence="the guest's keys were enrolled: this host's template has none",
        )
    if more:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence="a new domain would get certificates here that this guest's store lacks: "
            f"{listed([_name(*one) for one in more])}{_dbx(template, found)}{origin(case, found)}",
            expected=listed([_name(*one) for one in more]),
            observed="not in the store",
            remedy=f"see the check certificates; {PCR_7}",
        )
    own = _more(found, template)
    said = f"; the store has more: {listed([_name(*one) for one in own])}" if own else ""
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence="the guest's store has all certificates that a new domain would get here"
        f"{said}{_dbx(template, found)}{origin(case, found)}",
    )


def _more(one: "Nvram", other: "Nvram") -> "list[tuple[str, Certificate]]":
    """Return the certificates that one has and the other has not, with their database."""
    found = []
    for name in _DATABASES:
        there = {known.sha256 for known in other.certificates(name)}
        found += [(name, own) for own in one.certificates(name) if own.sha256 not in there]
    return found


def _name(database: str, one: "Certificate") -> str:
    return f"{one.subject or one.sha256[:16]} ({database})"


def _dbx(template: "Nvram", found: "Nvram") -> str:
    new, own = (one.databases.get("dbx") for one in (template, found))
    counts = [0 if one is None else one.hashes for one in (new, own)]
    if counts[0] == counts[1]:
        return ""
    return f"; its dbx revokes {counts[1]} images, the template's {counts[0]}"

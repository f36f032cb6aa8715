"""``end-of-life``: is the time of the machine type, or of the host's release, over?"""

from datetime import date

from host_agent.case.case import Case
from host_agent.checks.shared.machine_offer import RAISE, lacking, needed
from host_agent.finding import Finding, Outcome
from host_agent.machine_types.names import parse
from host_agent.machine_types.releases import SHOWN, Known, find, standing, type_end
from host_agent.machine_types.surroundings import Release
from host_agent.machine_types.vendors import Vendor
from host_agent.missing import Missing

ID = "end-of-life"


def check(case: Case) -> Finding:
    """Hold today against the dates of the releases (distro-info-data).

    Ubuntu's policy for its machine types (QemuKVMMigration, "Cleanup"): those of an interim release
    end with the next LTS, those of an LTS with its support.
    """
    surroundings = case.surroundings
    if isinstance(surroundings, Missing):
        return lacking(ID, surroundings)
    if isinstance(surroundings.releases, Missing):
        return lacking(ID, surroundings.releases)
    today, here = surroundings.today, surroundings.here
    host = None if isinstance(here, Missing) else standing(here, today)
    type_ = _type(needed(case), surroundings.releases, today)
    ended = [f"this host's release is over: {told}" for told in (host,) if told] + [
        told for told in (type_,) if told
    ]
    if ended:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence="; ".join(ended),
            remedy=RAISE if type_ else "move to a supported release",
        )
    if isinstance(here, Missing):
        return lacking(ID, here)
    return Finding(check=ID, outcome=Outcome.PASS, sentence=_lasts(here))


def _type(machine: str | None, known: Known, today: date) -> str | None:
    """Why the time of a machine type is over; None: it is not, or nobody has set one."""
    parts = parse(machine or "")
    release = find(f"ubuntu:{parts.release}", known) if parts.vendor is Vendor.UBUNTU else None
    if release is None:
        return None
    end = type_end(release, known)
    if end.last is None or today <= end.last:
        return None
    return f"the machine types of {release} ended on {end.last}, {end.why}"


def _lasts(here: Release) -> str:
    until = f"until {here.support_end}" if here.support_end else "with no end set"
    return f"this host's {SHOWN[here.distribution]} {here} is supported {until}"

"""``same-uefi``: are the keys for secure boot those of the baseline?"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, Kind, before, judged, lacking
from host_agent.checks.shared.uefi import PCR_7
from host_agent.domain.uefi import DATABASES
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing

if TYPE_CHECKING:
    from host_agent.evidence.hardware import Uefi

ID = "same-uefi"


def check(case: Case) -> Finding:
    """Compare the digests of PK, KEK, db and dbx (UEFI specification, 32.4): the guest's own.

    Where it does not give them, those of its store on this host. Its administrator may change them,
    so it is never a fail; but PCR 7 is another one at the next boot (TCG PC Client Platform
    Firmware Profile, PCR 7).
    """
    if case.declared.definition.uefi is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain has no UEFI")
    baseline = before(ID, case)
    if isinstance(baseline, Finding):
        return baseline
    then, now = baseline.observation.hardware.uefi, _now(case)
    if isinstance(then, Missing) or isinstance(now, Missing):
        return lacking(ID, case, "UEFI's keys", then, now)
    changes = list(_changes(then, now))
    same = ", ".join(now.databases) or "none"
    return judged(ID, case, changes, f"the guest has the baseline's keys: {same}", PCR_7)


def _now(case: Case) -> "Uefi | Missing":
    seen, store = case.observation, case.nvram
    if isinstance(seen, Observation) and not isinstance(seen.hardware.uefi, Missing):
        return seen.hardware.uefi
    if isinstance(store, Missing):
        return store
    from host_agent.evidence.hardware import Uefi  # noqa: PLC0415

    return Uefi(secure_boot=None, setup_mode=None, databases=store.digests)


def _changes(then: "Uefi", now: "Uefi") -> Iterator[Change]:
    if None not in {then.secure_boot, now.secure_boot} and then.secure_boot is not now.secure_boot:
        was, has = ("on" if one.secure_boot else "off" for one in (then, now))
        yield _change(f"secure boot was {was} and is {has}", f"secure boot {was}", has)
    for name in DATABASES:
        old, new = (_digest(one.databases, name) for one in (then, now))
        if old != new:
            word = "gone" if new is None else "new" if old is None else "another one"
            sides = (f"{name} {side or 'absent'}" for side in (old, new))
            yield _change(f"{name} is {word}", *sides)


def _digest(databases: Mapping[str, str], name: str) -> str | None:
    return databases[name][:16] if name in databases else None


def _change(sentence: str, old: str, new: str) -> Change:
    return Change(sentence=sentence, old=old, new=new, kind=Kind.GUESTS)

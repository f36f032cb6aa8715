"""``same-smbios``: did the guest boot with the SMBIOS tables that it had at the baseline?"""

from dataclasses import replace
from typing import TYPE_CHECKING

from host_agent.case.case import Case, Occasion
from host_agent.checks.shared.baseline import (
    Change,
    Kind,
    before,
    judged,
    lacking,
    rules,
    same_boot,
)
from host_agent.checks.shared.noticed import of_changes
from host_agent.checks.shared.tables import changes, masked, said
from host_agent.difference import Difference
from host_agent.finding import Finding, Outcome
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.missing import Missing
from host_agent.printable import argument

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import Platform

ID = "same-smbios"

# Of level 00, which is the guest's own; how many processors it has is told by ``same-cpu``.
_GUESTS_OWN = ("VM00 Name", "VM00 Control Program", "VM00 Extended Name", "VM00 UUID")
_NAME = "device tree ibm,partition-name"


def check(case: Case) -> Finding:
    """Compare the booted tables (DMTF DSP0134) with the baseline's.

    They lie in the guest's memory, which a live migration carries along; only a boot reads them
    anew from QEMU (``hw/smbios/smbios.c``). Then what a probe of the running QEMU builds with the
    baseline's options says which changes are QEMU's, and which are not. A guest without SMBIOS
    (ppc64el, s390x) has its device tree or /proc/sysinfo compared.
    """
    baseline = before(ID, case)
    if isinstance(baseline, Finding):
        return baseline
    then, now = baseline.observation.booted, case.booted_tables
    if isinstance(then, Missing) and isinstance(now, Missing):
        return _platform(case, then, now)
    if isinstance(then, Missing) or isinstance(now, Missing):
        return lacking(ID, case, "booted tables", then, now)
    try:
        found = changes(then, now)
        if found and _built_anew(case):
            return _against_forecast(case, now, found)
    except SmbiosError as error:
        return Finding(
            check=ID, outcome=Outcome.UNKNOWN, sentence=f"the tables can't be compared: {error}"
        )
    told = judged(ID, case, _told(found), "the guest has the SMBIOS tables of the baseline")
    noticed = "; a licence may see another machine" if of_changes(found) else ""
    return replace(told, sentence=f"{told.sentence}{noticed}", differences=found)


def _built_anew(case: Case) -> bool:
    """Tell whether a boot lies between, or may: tables of now do not say so themselves."""
    return rules(case) is Occasion.RESTART or (
        case.occasion in {Occasion.AUDIT, Occasion.REVERTED} and same_boot(case) is None
    )


def _against_forecast(case: Case, now: Smbios, found: tuple[Difference, ...]) -> Finding:
    expected, observed = _sides(found)
    forecast = case.forecast
    if isinstance(forecast, Missing) or forecast.smbios is None:
        why = (
            f"can't be told: {forecast.sentence}"
            if isinstance(forecast, Missing)
            else "can't be told: this machine type leaves the tables to the firmware"
        )
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=f"{said(found)}; whether this QEMU should change it {why}",
            expected=expected,
            observed=observed,
            remedy=_remedy(case),
            differences=found,
        )
    wrong = changes(forecast.smbios, now, forecast.masked)
    if wrong:
        expected, observed = _sides(wrong)
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"not as forecast (this QEMU with the baseline's options -> as booted): "
            f"{said(wrong)}",
            expected=expected,
            observed=observed,
            remedy=_remedy(case),
            differences=wrong,
        )
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"changed as forecast: {said(found)}{masked(forecast.masked)}",
        expected=expected,
        observed=observed,
        differences=found,
    )


def _remedy(case: Case) -> str:
    definition = case.declared.definition
    name = argument(definition.name, definition.uuid)
    return (
        f"compare with virsh dumpxml {name}; where the change is wanted, "
        f"samemachine baseline {name}"
    )


def _told(found: tuple[Difference, ...]) -> list[Change]:
    return [
        Change(
            sentence=str(one),
            kind=Kind.FIXED,
            old=f"{one.field} {one.old}",
            new=f"{one.field} {one.new}",
        )
        for one in found
    ]


def _sides(found: tuple[Difference, ...]) -> tuple[str, str]:
    return (
        "; ".join(f"{one.field} {one.old}" for one in found),
        "; ".join(f"{one.field} {one.new}" for one in found),
    )


def _platform(case: Case, then_tables: Missing, tables: Missing) -> Finding:
    if isinstance(case.baseline, Missing) or isinstance(case.observation, Missing):
        return lacking(ID, case, "booted tables", then_tables, tables)
    then, now = case.baseline.observation.hardware.platform, case.observation.hardware.platform
    if isinstance(then, Missing) or isinstance(now, Missing):
        return lacking(ID, case, "booted tables", then_tables, tables)
    old, new = _identity(then), _identity(now)
    found = [
        Change(
            sentence=f"{name} '{old.get(name, '')}' -> '{new.get(name, '')}'",
            kind=Kind.FIXED,
            old=f"{name} '{old.get(name, '')}'",
            new=f"{name} '{new.get(name, '')}'",
        )
        for name in {**old, **new}
        if old.get(name) != new.get(name)
        # An older agent does not say it.
        and not (name == _NAME and None in (old.get(name), new.get(name)))
    ]
    return judged(ID, case, found, "the guest's platform is that of the baseline")


def _identity(platform: "Platform") -> dict[str, str]:
    """Return what names the machine; sysinfo's other levels are the host's, and move with it."""
    names = {
        "device tree model": platform.model,
        "device tree compatible": ", ".join(platform.compatible),
        "device tree vm,uuid": platform.uuid,
        _NAME: platform.name,
        **{key: platform.sysinfo.get(key, "") for key in _GUESTS_OWN},
    }
    return {name: text for name, text in names.items() if text}

"""What the checks of a UEFI's variables share: the store, or why there is nothing to judge."""

from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.finding import Finding, Outcome, unknown
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a UEFI.
    from host_agent.evidence.nvram import Nvram

_FOLDERS = {
    "x86_64": "/usr/share/OVMF/", "i686": "/usr/share/OVMF/", "aarch64": "/usr/share/AAVMF/",
}  # fmt: skip
MOST_NAMED = 6
"""Of what may be many."""
PCR_7 = (
    "it changes PCR 7: suspend before what is bound to that (BitLocker, systemd-cryptenroll), or "
    "have the recovery keys at hand"
)


def stored(check: str, case: Case) -> "Nvram | Finding":
    """Return what the domain's UEFI keeps, else what the check says: also of one that is off."""
    if case.declared.definition.uefi is None:
        return Finding(check=check, outcome=Outcome.SKIP, sentence="the domain has no UEFI")
    return unknown(check, case.nvram) if isinstance(case.nvram, Missing) else case.nvram


def keyed(check: str, case: Case) -> "Nvram | Finding":
    """Return what it keeps, where it has keys for secure boot."""
    found = stored(check, case)
    if not isinstance(found, Finding) and "PK" not in found.databases:
        return Finding(
            check=check,
            outcome=Outcome.SKIP,
            sentence="its store has no platform key: no loader's signature is checked",
        )
    return found


def template_folder(case: Case) -> str:
    """Return where packages have templates of stores for its architecture; empty: not known."""
    return _FOLDERS.get(case.declared.definition.architecture, "")


def origin(case: Case, found: "Nvram") -> str:
    """Say of which packages' templates its keys are; empty: of none that is known."""
    from host_agent.firmware import packages  # noqa: PLC0415 - as above

    folder = template_folder(case)
    known = packages.with_keys(found.digests, folder) if folder else ()
    if not known:
        return ""
    return f"; its keys are those of the template of {listed([str(one) for one in known])}"


def listed(names: list[str]) -> str:
    """Return some names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join([*names[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])

"""``secure-boot``: is secure boot, as it is declared, also what the guest's store makes of it?"""

from host_agent.case.case import Case
from host_agent.checks.shared.uefi import stored
from host_agent.domain.uefi import Uefi
from host_agent.evidence.nvram import Nvram
from host_agent.finding import Finding, Outcome

ID = "secure-boot"

_KEYS = (
    "from within the guest enroll keys, or, where nothing in its store is worth keeping, "
    "stop it and: virsh start --reset-nvram"
)


def check(case: Case) -> Finding:
    """Hold ``<loader secure>`` and ``<firmware>`` against the variable store.

    libvirt formatdomain.rst, "BIOS bootloader": ``secure`` and the feature ``secure-boot`` choose a
    firmware that can do it, ``enrolled-keys`` one whose store is made with keys. It is on where the
    store has a platform key (UEFI specification, 32.3) and the firmware's setup did not switch it
    off. It is never a fail: who has the firmware's setup may choose.
    """
    found, uefi = stored(ID, case), case.declared.definition.uefi
    if isinstance(found, Finding) or uefi is None:
        return found if isinstance(found, Finding) else _finding(Outcome.SKIP, "it has no UEFI")
    able, words = _able(uefi), _words(uefi)
    if found.secure_boot and able is False:
        return _finding(
            Outcome.WARN,
            f"the guest's store has keys, and its firmware is declared without secure boot "
            f"({words}): nothing is checked",
            words,
            "keys in the store",
            "choose a firmware with secure boot: <loader secure='yes'/> in virsh edit",
        )
    if not found.secure_boot and (able or uefi.enrolled_keys):
        why = _why_off(found)
        remedy = "switch it on in the firmware's setup" if "PK" in found.databases else _KEYS
        if uefi.enrolled_keys is False:
            return _finding(Outcome.PASS, f"secure boot is off, as declared ({words}): {why}")
        return _finding(
            Outcome.WARN,
            f"the domain is declared with secure boot ({words}), and it is off: {why}",
            words,
            why,
            remedy,
        )
    if found.secure_boot:
        said = f" ({words})" if able else "; whether its firmware can is not declared"
        return _finding(Outcome.PASS, f"secure boot is on by the guest's store{said}")
    return _finding(Outcome.PASS, f"secure boot is off: {_why_off(found)}")


def _able(uefi: Uefi) -> bool | None:
    """Return whether the declared firmware can do it; None: it is not declared."""
    return uefi.secure if uefi.secure is not None else uefi.secure_boot


def _words(uefi: Uefi) -> str:
    said = {
        "loader secure": uefi.secure,
        "secure-boot": uefi.secure_boot,
        "enrolled-keys": uefi.enrolled_keys,
    }
    return ", ".join(
        f"{name}={'yes' if value else 'no'}" for name, value in said.items() if value is not None
    )


def _why_off(found: Nvram) -> str:
    if "PK" not in found.databases:
        return "its store has no platform key"
    return "its setup switched it off"


def _finding(
    outcome: Outcome,
    sentence: str,
    expected: str | None = None,
    observed: str | None = None,
    remedy: str | None = None,
) -> Finding:
    return Finding(
        check=ID,
        outcome=outcome,
        sentence=sentence,
        expected=expected,
        observed=observed,
        remedy=remedy,
    )

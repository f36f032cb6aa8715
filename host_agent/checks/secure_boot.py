"""``secure-boot``: is secure boot as it is declared, in the guest's store and in the guest?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.uefi import stored
from host_agent.domain.uefi import DATABASES
from host_agent.domain.uefi import Uefi as Declaration
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, passed, warned
from host_agent.missing import Missing

if TYPE_CHECKING:
    from host_agent.evidence.hardware import Uefi

    # Few domains have a UEFI.
    from host_agent.evidence.nvram import Nvram

ID = "secure-boot"

_KEYS = (
    "from within the guest enroll keys, or, where nothing in its store is worth keeping, "
    "stop it and: virsh start --reset-nvram"
)
_ON_OFF = {True: "on", False: "off"}


def check(case: Case) -> Finding:
    """Hold ``<loader secure>`` and ``<firmware>`` against the variable store, and both the guest.

    libvirt formatdomain.rst, "BIOS bootloader": ``secure`` and the feature ``secure-boot`` choose a
    firmware that can do it, ``enrolled-keys`` one whose store is made with keys. It is on where the
    store has a platform key (UEFI specification, 32.3) and the firmware's setup did not switch it
    off. It is never a fail: who has the firmware's setup may choose.
    """
    found, declaration = stored(ID, case), case.declared.definition.uefi
    if isinstance(found, Finding):
        return found
    guest = case.observation.hardware.uefi if isinstance(case.observation, Observation) else None
    said = None if isinstance(guest, Missing) else guest
    if said is not None and (odd := _against_guest(found, said)) is not None:
        return odd
    return _against_declaration(found, declaration, said)


def _against_guest(found: "Nvram", guest: "Uefi") -> Finding | None:
    """Return what is said where the guest sees another thing than its store holds."""
    kept = found.digests
    other = [name for name in DATABASES if kept.get(name) != guest.databases.get(name)]
    if other:
        return warned(
            ID,
            f"the guest has other keys than its store on this host: {', '.join(other)}",
            _keys(kept, other),
            _keys(guest.databases, other),
            "was the store replaced under the running guest? Its next start takes the store",
        )
    if guest.secure_boot is None or guest.secure_boot is found.secure_boot:
        return None
    now, then = _ON_OFF[guest.secure_boot], _ON_OFF[found.secure_boot]
    return warned(
        ID,
        f"secure boot is {now} in the guest, and {then} by its store",
        then,
        now,
        "choose a firmware with secure boot (<loader secure='yes'/> in virsh edit)"
        if found.secure_boot
        else "it was switched off since the guest booted: its next boot shows it",
    )


def _against_declaration(
    found: "Nvram", declaration: Declaration | None, guest: "Uefi | None"
) -> Finding:
    able, words = _able(declaration), _words(declaration)
    proved = guest is not None and guest.secure_boot is not None
    seen = ", and in the guest" if proved else ""
    if found.secure_boot and able is False and not proved:
        # Debian 12's image that is declared so checks signatures all the same.
        return warned(
            ID,
            "the guest's store has keys, and its firmware is declared without secure boot "
            f"({words}): whether signatures are checked only the guest can say",
            words,
            "keys in the store",
            "choose a firmware with secure boot (<loader secure='yes'/> in virsh edit), or ask the "
            "guest: groups-on = uefi in its guest.conf",
        )
    if found.secure_boot:
        doubt = "" if able or proved else "; whether its firmware can is not declared"
        more = f" ({words})" if words else ""
        return passed(ID, f"secure boot is on by the guest's store{seen}{more}{doubt}")
    off = (
        "its setup switched it off" if "PK" in found.databases else "its store has no platform key"
    )
    enrolled = None if declaration is None else declaration.enrolled_keys
    if enrolled is False:
        return passed(ID, f"secure boot is off, as declared ({words}){seen}: {off}")
    if able or enrolled:
        return warned(
            ID,
            f"the domain is declared with secure boot ({words}), and it is off{seen}: {off}",
            words,
            off,
            "switch it on in the firmware's setup" if "PK" in found.databases else _KEYS,
        )
    return passed(ID, f"secure boot is off{seen}: {off}")


def _able(declaration: Declaration | None) -> bool | None:
    """Return whether the declared firmware can do it; None: it is not declared."""
    if declaration is None:
        return None
    return declaration.secure if declaration.secure is not None else declaration.secure_boot


def _words(declaration: Declaration | None) -> str:
    if declaration is None:
        return ""
    said = {
        "loader secure": declaration.secure,
        "secure-boot": declaration.secure_boot,
        "enrolled-keys": declaration.enrolled_keys,
    }
    return ", ".join(
        f"{name}={'yes' if value else 'no'}" for name, value in said.items() if value is not None
    )


def _keys(digests: Mapping[str, str], names: list[str]) -> str:
    return ", ".join(
        f"{name} {digests[name][:16] if name in digests else 'none'}" for name in names
    )

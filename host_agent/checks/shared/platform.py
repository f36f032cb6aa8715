"""What a guest without SMBIOS reads of its machine: device tree, or /proc/sysinfo. Pure."""

from dataclasses import dataclass
from uuid import UUID

from host_agent.case.case import Case
from host_agent.evidence.observation import Observation
from host_agent.missing import Missing, Reason

_TREE, _SYSINFO = "its device tree", "/proc/sysinfo"
# Level 00 is the guest's own (z/Architecture Principles of Operation, STSI 3.2.2; Linux
# arch/s390/kernel/sysinfo.c); the others are those of machines around its host's.
_UUID, _NAME, _WHOLE_NAME = "VM00 UUID", "VM00 Name", "VM00 Extended Name"
_NAME_LENGTH = 8
"""Characters, in EBCDIC; QEMU cuts the domain's name."""
_CUT_FROM = 256
"""Bytes of the whole name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What it says that the machine is."""

    source: str
    compatible: tuple[str, ...]
    entries: dict[str, str]
    uuid: UUID | None
    whole_name: str
    short_name: str
    """Its first characters, in EBCDIC. Empty, as the whole one, where none is said."""

    def values(self, entry: str) -> tuple[str, ...]:
        """Return what stands there; nothing where the entry is not there."""
        if entry == "compatible":
            return self.compatible
        return (self.entries[entry],) if entry in self.entries else ()

    def another_name(self, name: str) -> str | None:
        """Return the domain's name as the guest has it where that is another one than this.

        None also where it can't be told: not every machine says one, EBCDIC has not all characters,
        and QEMU cuts it.
        """
        if not name.isascii() or len(name) >= _CUT_FROM:
            return None
        if self.whole_name:
            return None if name == self.whole_name else self.whole_name
        wrong = self.short_name and self.short_name != name[:_NAME_LENGTH].strip()
        return self.short_name if wrong else None

    @property
    def named(self) -> bool:
        """Whether it gives the domain's name."""
        return bool(self.whole_name or self.short_name)


def shown(case: Case) -> Shown | Missing:
    """Return what the guest says of its platform, or why it is not to be had."""
    if not isinstance(case.observation, Observation):
        return case.observation
    found = case.observation.hardware.platform
    if isinstance(found, Missing):
        return found
    said = found.sysinfo.get(_UUID) if found.sysinfo else found.uuid
    try:
        uuid = UUID(said) if said else None
    except ValueError:
        return Missing(
            reason=Reason.REFUSED, sentence=f"/proc/sysinfo gives the UUID {said}, which is none"
        )
    return Shown(
        source=_SYSINFO if found.sysinfo else _TREE,
        compatible=found.compatible,
        entries=dict(found.sysinfo),
        uuid=uuid,
        whole_name=(found.sysinfo.get(_WHOLE_NAME) or found.name or "").strip(),
        short_name=found.sysinfo.get(_NAME, "").strip(),
    )

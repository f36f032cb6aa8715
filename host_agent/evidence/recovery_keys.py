"""Which guests of many ask for their recovery keys at their first stop and start. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from host_agent.domain.definition import Definition
from host_agent.evidence.measured import Outlook
from host_agent.missing import Missing

_AT = "for the recovery key at {} first stop and start"
_MOST_NAMES = 5
_UEFI = "efi"

Looked = tuple[Definition, Outlook | Missing | None]
"""A domain, and what becomes of its TPM; None: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryKeys:
    """What is known of some guests that have a UEFI or a TPM."""

    guests: int
    """How many there are."""
    uefi: bool
    """Whether each has a UEFI."""
    asking: tuple[str, ...]
    """By name, those that will ask."""
    unknown: tuple[str, ...]
    """By name, those of which it is not known."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said first of all: who asks, and of whom it is not known."""
        if self.guests == 1:
            return (self._one,)
        at, all_ = _AT.format("their"), f"{self.guests} {self._who}"
        found = []
        if self.asking:
            number = len(self.asking)
            found.append(
                f"{number} of {all_} will ask {at}: suspend the bindings before: "
                f"{_named(self.asking)}"
            )
        if self.unknown:
            number = len(self.unknown)
            found.append(
                f"of {number} of {all_} it is not known whether they will ask {at}: "
                f"{_named(self.unknown)}"
            )
        return tuple(found) or (f"none of {all_} will ask {at}",)

    @property
    def _who(self) -> str:
        return "UEFI guests" if self.uefi else "guests with a UEFI or a TPM"

    @property
    def _one(self) -> str:
        at = _AT.format("its")
        if self.asking:
            return f"the guest will ask {at}: suspend the bindings before"
        if self.unknown:
            return f"it is not known whether the guest will ask {at}"
        return f"the guest will not ask {at}"


def of(looked: Iterable[Looked]) -> RecoveryKeys | None:
    """Return what is known of the guests with a UEFI or a TPM; None: there is none."""
    counted = [
        (definition, outlook)
        for definition, outlook in looked
        if definition.firmware == _UEFI or definition.tpm is not None
    ]
    if not counted:
        return None
    asking, unknown = [], []
    for definition, outlook in counted:
        if isinstance(outlook, Missing) or (outlook is not None and outlook.asks is None):
            unknown.append(definition.name)
        elif outlook is not None and outlook.asks:
            asking.append(definition.name)
    return RecoveryKeys(
        guests=len(counted),
        uefi=all(definition.firmware == _UEFI for definition, _ in counted),
        asking=tuple(asking),
        unknown=tuple(unknown),
    )


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")

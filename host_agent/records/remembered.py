"""What is kept of a domain, and what of it was removed, in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is kept of one domain."""

    name: str
    uuid: str
    here: bool = True
    """Whether the host that was asked has it; else only history knows it."""
    live: bool = False
    """The running domain carries a baseline."""
    persistent: bool = False
    """Its definition carries a baseline."""
    entries: int = 0
    """Of the ledger."""
    copies: int = 0
    """Of baselines, in the ledger."""
    upgrades: bool = False
    """The journal of its machine-type upgrades is there, with definitions as they were."""
    refused: str | None = None
    """Why it can't be forgotten now."""
    remedy: str | None = None

    @property
    def anything(self) -> bool:
        """Tell whether there is anything to remove."""
        return bool(self.live or self.persistent or self.entries or self.copies or self.upgrades)

    def parts(self, ledger: str) -> Iterator[str]:
        """Yield what is kept, and where; ``ledger`` is the ledger's place."""
        where = [
            word
            for word, there in (("definition", self.persistent), ("running domain", self.live))
            if there
        ]
        if where:
            yield f"the baseline in its {' and '.join(where)}"
        if self.entries or self.copies:
            yield (
                f"{self.entries} entries and {self.copies} copies of baselines in the ledger "
                f"{ledger}"
            )
        if self.upgrades:
            yield "the journal of its machine-type upgrades, with its definitions as they were"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was removed of one domain."""

    remembered: Remembered
    removed: tuple[str, ...] = ()
    """In words."""
    errors: tuple[str, ...] = ()
    """What could not be removed, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What became of the domains that were to be forgotten."""

    agreed: bool
    dry_run: bool
    ledger: str | None
    """Its place; None: there is none."""
    results: tuple[Forgotten, ...]
    interrupted: bool = False

"""The ledger that a command was told to use."""

from typing import TYPE_CHECKING

from host_agent.commands.shared.console import complain
from host_agent.errors import LedgerError

if TYPE_CHECKING:
    from host_agent.records.ledger import Ledger


def open_ledger(url: str | None) -> "Ledger":
    """Return the ledger of a URL; raises ``UsageError``, ``LedgerError``."""
    # SQLAlchemy takes as long to load as everything else together: only for who needs it.
    try:
        from host_agent.records.ledger import Ledger
    except ImportError as error:
        raise LedgerError(f"history needs SQLAlchemy 1.4 or newer ({error})") from error
    return Ledger(url)


def ready_ledger(url: str | None) -> "Ledger | None":
    """Return the ledger, made where it is not there yet; without one, verification goes on."""
    try:
        ledger = open_ledger(url)
        ledger.prepare()
    except LedgerError as error:
        complain(f"no history: {error}", 0)
        return None
    return ledger

"""Upgrades that wait for a domain's next start, or are under way, as who verifies it needs them."""

import os
from pathlib import Path
from uuid import UUID

from host_agent.case.gather import Raised
from host_agent.errors import UpgradeJournalError
from host_agent.records.upgrade_folder import default_folder


def raised_in(folder: Path | None = None) -> Raised:
    """Return what says to which machine type a domain is on its way."""
    place = folder or default_folder()

    def raised(uuid: UUID) -> str | None:
        # A folder stands for each that was ever begun: few domains have one.
        if not os.path.lexists(place / str(uuid)):
            return None
        from host_agent.records.upgrade_journal import UpgradeJournal  # noqa: PLC0415
        from host_agent.records.upgrade_record import UNDER_WAY, Step  # noqa: PLC0415

        try:
            record = UpgradeJournal(place).read(uuid)
        except UpgradeJournalError:
            # Who upgrades is told of the damage; who verifies goes by the rest.
            return None
        return record.goal if record and record.step in UNDER_WAY | {Step.STAGED} else None

    return raised

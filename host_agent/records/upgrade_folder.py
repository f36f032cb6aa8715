"""Where a user's upgrades are written down."""

import os
from pathlib import Path


def default_folder() -> Path:
    """Return where this user's upgrades are written down (file-hierarchy(7))."""
    given = os.environ.get("SAMEMACHINE_UPGRADES")
    if given:
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/samemachine/upgrades")
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(home) / "samemachine/upgrades"

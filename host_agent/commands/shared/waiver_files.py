"""Files of waivers, which the command line and the configuration name."""

from pathlib import Path

from host_agent import given_file
from host_agent.errors import UsageError
from host_agent.verify import waivers


def read_waivers(file: Path) -> tuple[waivers.Waiver, ...]:
    """Return the waivers of a file; raises ``UsageError``."""
    try:
        return waivers.parse(given_file.text(file), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error

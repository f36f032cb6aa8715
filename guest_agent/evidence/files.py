"""Reads files under a root and says in the contract's words why one can't be read."""

from pathlib import Path

from guest_agent.errors import AbsenceReason, EvidenceError

# The contract bounds a report at 1 MiB; nothing we read comes near a quarter of it.
MAX_BYTES = 256 * 1024


def read_bytes(root: Path, name: str) -> bytes:
    """Return the content of ``name`` (absolute, as on a real guest) under ``root``.

    Raises ``EvidenceError``: absent, unreadable (no permission) or failed (anything else).
    """
    path = root / name.lstrip("/")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise EvidenceError(AbsenceReason.ABSENT, f"there is no {name}") from None
    except PermissionError:
        raise EvidenceError(
            AbsenceReason.UNREADABLE, f"{name} may not be read; the agent must run as root"
        ) from None
    except OSError as error:
        raise EvidenceError(
            AbsenceReason.FAILED, f"{name} can't be read: {error.strerror}"
        ) from error
    if len(data) > MAX_BYTES:
        raise EvidenceError(AbsenceReason.FAILED, f"{name} is longer than {MAX_BYTES} bytes")
    return data


def read_text(root: Path, name: str) -> str:
    """Return the content of ``name`` under ``root`` as text; see ``read_bytes``."""
    return read_bytes(root, name).decode("utf-8", "replace")

"""ACPI code in words: what ``iasl`` (ACPICA, Debian's acpica-tools) makes of a table."""

import difflib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from host_agent.errors import EvidenceError
from host_agent.missing import Reason

_SECONDS = 20.0
_MAX_TEXT = 4 * 1024 * 1024
# Names, sizes and checksums of the files, and when it was done, stand in a comment at the top.
_HEADING = re.compile(r"\A/\*.*?\*/\s*", re.DOTALL)


def changes(old: bytes, new: bytes, name: str) -> list[str]:
    """Return a unified diff of two tables' code; raises ``EvidenceError``."""
    before, after = (_disassembled(table).splitlines() for table in (old, new))
    return list(difflib.unified_diff(before, after, f"old {name}", f"new {name}", lineterm=""))


def _disassembled(table: bytes) -> str:
    tool = shutil.which("iasl")
    if tool is None:
        raise EvidenceError(
            Reason.ABSENT,
            "ACPI code is disassembled by iasl, which is not installed",
            "install acpica-tools",
        )
    with tempfile.TemporaryDirectory(prefix="samemachine-acpi-") as folder:
        file = Path(folder) / "table.dat"
        file.write_bytes(table)
        try:
            done = subprocess.run(
                [tool, "-p", "table", "-d", file.name],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
            with (Path(folder) / "table.dsl").open("rb") as made:
                text = made.read(_MAX_TEXT).decode("ascii", "backslashreplace")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EvidenceError(Reason.FAILED, f"iasl can't disassemble it: {error}") from error
        if done.returncode:
            raise EvidenceError(Reason.FAILED, f"iasl ended with exit code {done.returncode}")
    return _HEADING.sub("", text)

"""An atlas by the name that a command was given."""

from pathlib import Path

from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.commands.shared.console import orderly_end, progress
from host_agent.qemu.atlas_probe import default_binary, survey
from host_agent.qemu.session import SECONDS


def named(name: str, qemu: str | None) -> Atlas:
    """Return the atlas of a name: ``live``, a shipped one, or a file."""
    if name == "live":
        return surveyed(qemu, (), None)
    if atlas_files.is_shipped_name(name):
        return atlas_files.read_shipped(name)
    return atlas_files.read(Path(name))


def surveyed(
    qemu: str | None, types: tuple[str, ...], root: Path | None, seconds: float = SECONDS
) -> Atlas:
    """Return the atlas of a QEMU that is asked now, with a bar where somebody watches."""
    binary = qemu or default_binary(root)
    with orderly_end(), progress(f"probing {binary}") as told:
        return survey(binary, types, told, root, seconds)

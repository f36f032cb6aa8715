"""Rehearsals that were made, kept on disk by what was started of which binary and firmware."""

import os
from dataclasses import asdict
from pathlib import Path

from host_agent.evidence import rehearsed_form
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.evidence.rehearsed_form import RehearsedFormError
from host_agent.qemu import firmware_files
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.kept_files import UNREADABLE, KeptFiles, default_folder
from host_agent.qemu.options import KVM
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.qemu.session import kvm_groups

_SCHEMA = 1
_MAX_FILES = 2000
_MAX_PROCESSOR = 64 * 1024


class RehearsalStore:
    """A folder of rehearsals; the least used are removed where there are more than ``most``."""

    def __init__(self, folder: Path | None = None, most: int = _MAX_FILES) -> None:
        self._files = KeptFiles(folder or default_folder("rehearsals"), most)

    def get(self, binary: QemuBinary, options: RehearsalOptions) -> Rehearsed | None:
        """Return a kept rehearsal; None: there is none that can be read."""
        asked = _asked(binary, options)
        try:
            form = self._files.get(asked)
            # What is there may have been moved there: it says itself what it answers.
            return rehearsed_form.from_form(form["found"]) if form["asked"] == asked else None
        except (*UNREADABLE, RehearsedFormError):
            return None

    def put(self, binary: QemuBinary, options: RehearsalOptions, found: Rehearsed) -> None:
        """Keep a rehearsal; a full disk or a folder that is not ours costs nothing but time."""
        asked = _asked(binary, options)
        self._files.put(asked, {"asked": asked, "found": rehearsed_form.to_form(found)})


def _asked(binary: QemuBinary, options: RehearsalOptions) -> list[object]:
    """Return all that a rehearsal depends on, of values that JSON has."""
    flash = options.flash
    return [
        _SCHEMA,
        asdict(binary.identity),
        options.machine.architecture,
        list(options.command()),
        None if flash is None else asdict(flash),
        [[one.what, sorted(one.tables), one.stand_in] for one in options.left_out],
        _processor() if options.machine.accelerator == KVM else None,
        [list(one) for one in firmware_files.seen(binary, options)],
    ]


def _processor() -> list[str] | None:
    """Return what KVM gives a guest its CPU from; None: software emulation takes its place."""
    if kvm_groups() is None:
        return None
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            first = file.read(_MAX_PROCESSOR).partition("\n\n")[0].splitlines()
    except OSError:
        first = []
    # The kernel decides what it passes on, and its clock rate is of this moment.
    return [os.uname().release, *(line for line in first if not line.startswith("cpu MHz"))]

"""Rehearses domains of the few shapes: ``python -m tests.bench.counted_rehearsals DOMAINS``."""

import sys
import tempfile
from pathlib import Path

from host_agent.evidence.rehearsed import Rehearsed
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu.domain_rehearsal import DomainRehearsal
from host_agent.qemu.rehearsal_store import RehearsalStore
from tests.bench.all_rehearsals import domains


def main(number: int) -> None:
    """Print how many rehearsals were made, each of which is kept in a file."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "kept")
        rehearsals = DomainRehearsal(store=RehearsalStore(kept))
        for definition, arguments in domains(number):
            binary = qemu_binary.installed(str(definition.emulator))
            found = rehearsals.of_arguments(binary, arguments, definition)
            if not isinstance(found, Rehearsed):
                raise RuntimeError(found.sentence)
        print(len(list(kept.iterdir())))


if __name__ == "__main__":
    main(int(sys.argv[1]))

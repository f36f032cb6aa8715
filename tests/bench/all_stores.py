"""Reads the variable stores in a folder, and prints the seconds that it took.

``python -m tests.bench.all_stores first|again FOLDER``; again: what the second time took.
"""

import sys
import time
from pathlib import Path

from host_agent.evidence.nvram import Nvram
from host_agent.qemu.nvram_decoder import NvramDecoder
from host_agent.qemu.nvram_place import RAW, Place


def main(what: str, folder: str) -> None:
    files = sorted(Path(folder).iterdir())
    decoder = NvramDecoder()
    for _ in range(2 if what == "again" else 1):
        started = time.perf_counter()
        for file in files:
            found = decoder.at(Place(path=str(file), form=RAW), Path("/"))
            if not isinstance(found, Nvram):
                raise RuntimeError(found.sentence)
        took = time.perf_counter() - started
    print(took)


if __name__ == "__main__":
    main(*sys.argv[1:])

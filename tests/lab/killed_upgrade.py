"""Runs on a host: ``samemachine`` that dies, as by kill -9, once it has written a certain record.

    python -m tests.lab.killed_upgrade NUMBER ARGUMENT...

NUMBER counts the records that are written down, the first is 1; what was recorded is not done any
more. The program itself is the real one, with its real journal.
"""

import os
import signal
import sys

from host_agent import cli
from host_agent.records.upgrade_journal import DomainJournal
from host_agent.records.upgrade_record import Record


def main(number: int) -> None:
    written = 0
    write, begin = DomainJournal.write, DomainJournal.begin

    def count() -> None:
        nonlocal written
        written += 1
        if written == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def killed_write(self: DomainJournal, record: Record) -> None:
        write(self, record)
        print(f"{record.direction} {record.step}", flush=True)
        count()

    def killed_begin(self: DomainJournal, record: Record, original: str) -> Record:
        begun = begin(self, record, original)
        print(f"{begun.direction} {begun.step}", flush=True)
        count()
        return begun

    DomainJournal.write = killed_write  # type: ignore[method-assign]  # to die at this very point
    DomainJournal.begin = killed_begin  # type: ignore[method-assign]  # to die at this very point
    cli.main()


if __name__ == "__main__":
    dies_at = int(sys.argv[1])
    del sys.argv[1]
    main(dies_at)

"""Verdicts in systemd's journal, with fields to search by.

The native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) without its library: an entry is one
datagram of ``NAME=value`` lines, or a sealed file in memory where that would be too large. Where
there is no journal, or it does not take the entry, one line goes to standard error.

``journalctl SAMEMACHINE_DOMAIN=vm1`` shows a domain's verdicts, ``journalctl MESSAGE_ID=…`` all of
one kind, on every host.
"""

import errno
import fcntl
import os
import re
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import TextIO

from host_agent.case.results import Decision
from host_agent.printable import printable
from host_agent.records.entry import Entry

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "samemachine"
# The kinds of message, for ever: monitoring looks for them (sd-id128(3)).
VERIFIED = "e4aabe2eb35f453dbcf5a1359093cee5"
MISMATCH = "5927722d337d4cba96a41893549a9a59"
UNVERIFIED = "96ce8cf9256f4a769ed0ec70f9f1f26b"

_SECONDS = 1.0
"""What handing over an entry may take."""
_MAX_VALUE = 64 * 1024
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_TOO_LARGE = {errno.EMSGSIZE, errno.ENOBUFS}


class Priority(IntEnum):
    """syslog(3)'s levels, those that we use."""

    ERR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


_KINDS: Mapping[str, tuple[str | None, Priority]] = {
    Decision.VERIFIED.value: (VERIFIED, Priority.INFO),
    Decision.MISMATCH.value: (MISMATCH, Priority.ERR),
    Decision.UNVERIFIED.value: (UNVERIFIED, Priority.WARNING),
    "failed": (None, Priority.WARNING),
}


class Journal:
    """The journal of this host. Thread-safe: nothing is open between two entries."""

    def __init__(self, path: Path = SOCKET, fallback: TextIO | None = None) -> None:
        self._path = path
        self._fallback = fallback or sys.stderr

    def write(
        self, message: str, priority: Priority, fields: Mapping[str, str] | None = None
    ) -> bool:
        """Write an entry, and return whether the journal has it.

        Raises nothing but ``ValueError``, for a field's name that no journal takes.
        """
        whole = {
            **(fields or {}), "MESSAGE": message, "PRIORITY": str(int(priority)),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
        }  # fmt: skip
        if self._hand_over(encode(whole)):
            return True
        # It may be closed, or its reader gone.
        with suppress(OSError, ValueError):
            print(f"{IDENTIFIER}: {printable(message)}", file=self._fallback, flush=True)
        return False

    def write_verdict(self, entry: Entry) -> bool:
        """Write a verdict, and return whether the journal has it; raises nothing."""
        kind, priority = _KINDS.get(entry.verdict, (None, Priority.NOTICE))
        fields = verdict_fields(entry)
        return self.write(
            sentence(entry), priority, {**fields, "MESSAGE_ID": kind} if kind else fields
        )

    def _hand_over(self, entry: bytes) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_SECONDS)
                sender.connect(os.fspath(self._path))
                try:
                    sender.send(entry)
                except OSError as error:
                    if error.errno not in _TOO_LARGE:
                        raise
                    _send_file(sender, entry)
        except OSError:
            return False
        return True


def sentence(entry: Entry) -> str:
    """Return a verdict in one line for people."""
    parts = [
        entry.title or entry.name,
        entry.verdict if entry.verdict == Decision.VERIFIED else entry.verdict.upper(),
        f"({entry.occasion}" + (f", by {entry.depth})" if entry.depth else ")"),
    ]
    problem = entry.problem
    told = f": {problem.check}: {problem.sentence}" if problem else ""
    return printable(" ".join(parts) + told)


def verdict_fields(entry: Entry) -> dict[str, str]:
    """Return the fields of a verdict by which ``journalctl`` finds it."""
    fields = {
        "DOMAIN": entry.name, "UUID": entry.uuid, "TITLE": entry.title, "OCCASION": entry.occasion,
        "VERDICT": entry.verdict, "DEPTH": entry.depth, "MACHINE": entry.machine,
        "QEMU": entry.qemu, "BOOT_ID": entry.boot_id,
    }  # fmt: skip
    found = [
        printable(f"{finding.check} {finding.outcome}: {finding.sentence}")
        for finding in entry.findings
    ]
    return {
        **{f"SAMEMACHINE_{name}": printable(text) for name, text in fields.items() if text},
        **({"SAMEMACHINE_FINDINGS": "\n".join(found)} if found else {}),
    }


def encode(fields: Mapping[str, str]) -> bytes:
    """Return an entry in the protocol's form; raises ``ValueError`` for a name that is none.

    A name has capital letters, digits and underscores, at most 64, and begins with a letter: what
    begins with an underscore is the journal's own. A value with a line feed is sent with its
    length, 64 bits little-endian, in front. Values of more
    than 65536 characters are cut.
    """
    entry = bytearray()
    for name, text in fields.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a journal's field")
        value = text[:_MAX_VALUE].encode(errors="backslashreplace")
        if b"\n" in value:
            entry += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
        else:
            entry += name.encode() + b"=" + value + b"\n"
    return bytes(entry)


def _send_file(sender: socket.socket, entry: bytes) -> None:
    """Send an entry as a file that nobody can change any more."""
    descriptor = os.memfd_create("journal-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "wb") as file:
        file.write(entry)
        file.flush()
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        socket.send_fds(sender, [b""], [descriptor])

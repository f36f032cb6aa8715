"""What the journal is sent, read as its own daemon reads it."""

import dataclasses
import fcntl
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.finding import Finding, Outcome
from host_agent.records import systemd_journal as journal
from host_agent.records.systemd_journal import Journal, Priority, encode
from tests.integration.ledger_entries import ENTRY, entry


class Listener:
    """The far end: one datagram is one entry, in itself or in the file that comes with it."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(5)
        self.seals: int | None = None

    def entry(self) -> dict[str, bytes]:
        data, descriptors, flags, _ = socket.recv_fds(self.socket, 1 << 20, 1)
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        self.seals = None
        for descriptor in descriptors:
            assert not data
            self.seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
            with os.fdopen(descriptor, "rb") as file:
                data = os.pread(file.fileno(), 1 << 24, 0)
        return read(data)


def read(data: bytes) -> dict[str, bytes]:
    """The protocol, as it is written down."""
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + length], rest[8 + length :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        assert name.decode() not in fields
        fields[name.decode()], data = value, rest
    return fields


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "socket")
    yield listener
    listener.socket.close()


@pytest.fixture
def writer(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "socket", io.StringIO())


def test_a_mismatch(listener: Listener, writer: Journal) -> None:
    silent = Finding(check="agent", outcome=Outcome.UNKNOWN, sentence="nobody\nanswered \x1b[2J")
    assert writer.write_verdict(entry(findings=(*ENTRY.findings, silent)))
    assert listener.entry() == {
        "MESSAGE": b"shop-db-1 MISMATCH (arrival, by guest): same-network: the NIC moved",
        "MESSAGE_ID": journal.MISMATCH.encode(),
        "PRIORITY": b"3",
        "SYSLOG_IDENTIFIER": b"samemachine",
        "SAMEMACHINE_DOMAIN": b"vm1",
        "SAMEMACHINE_UUID": ENTRY.uuid.encode(),
        "SAMEMACHINE_TITLE": b"shop-db-1",
        "SAMEMACHINE_OCCASION": b"arrival",
        "SAMEMACHINE_VERDICT": b"mismatch",
        "SAMEMACHINE_DEPTH": b"guest",
        "SAMEMACHINE_MACHINE": b"pc-q35-7.2",
        "SAMEMACHINE_QEMU": b"7.2.22",
        "SAMEMACHINE_BOOT_ID": str(ENTRY.boot_id).encode(),
        "SAMEMACHINE_FINDINGS": b"same-network fail: the NIC moved\n"
        b"agent unknown: nobody\\nanswered \\x1b[2J",
    }


@pytest.mark.parametrize(
    ("verdict", "kind", "priority"),
    [
        ("verified", journal.VERIFIED, b"6"), ("unverified", journal.UNVERIFIED, b"4"),
        ("mismatch", journal.MISMATCH, b"3"), ("gone", None, b"5"),
    ],
)  # fmt: skip
def test_each_kind_has_its_id(
    listener: Listener, writer: Journal, verdict: str, kind: str | None, priority: bytes
) -> None:
    assert writer.write_verdict(
        dataclasses.replace(ENTRY, verdict=verdict, findings=(), title=None, depth=None)
    )
    heard = listener.entry()
    assert heard.get("MESSAGE_ID") == (kind and kind.encode())
    assert heard["PRIORITY"] == priority
    assert heard["MESSAGE"].split()[:2] == [
        b"vm1",
        verdict.encode() if verdict == "verified" else verdict.upper().encode(),
    ]
    assert "SAMEMACHINE_TITLE" not in heard


def test_the_ids_are_for_ever() -> None:
    """Monitoring looks for them: change none, ever."""
    assert (journal.VERIFIED, journal.MISMATCH, journal.UNVERIFIED) == (
        "e4aabe2eb35f453dbcf5a1359093cee5",
        "5927722d337d4cba96a41893549a9a59",
        "96ce8cf9256f4a769ed0ec70f9f1f26b",
    )


def test_what_is_too_large_for_a_datagram_comes_as_a_sealed_file(
    listener: Listener, writer: Journal
) -> None:
    fields = {f"FIELD_{number}": str(number) * 99_999 for number in range(9)}
    assert writer.write("a message", Priority.INFO, fields)
    heard = listener.entry()
    assert listener.seals == (
        fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    )
    assert {name: len(value) for name, value in heard.items() if name in fields} == dict.fromkeys(
        fields, 65536
    )
    assert writer.write("a short one", Priority.INFO)
    assert listener.entry()["MESSAGE"] == b"a short one"
    assert listener.seals is None


def test_without_a_journal_there_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "nowhere", tmp_path / "file", tmp_path / ("x" * 200)):
        fallback = io.StringIO()
        assert not Journal(path, fallback).write("two\nlines \x1b[2J", Priority.ERR)
        assert fallback.getvalue() == "samemachine: two\\nlines \\x1b[2J\n"


def test_without_anything_it_is_silent(tmp_path: Path) -> None:
    fallback = io.StringIO()
    fallback.close()
    assert not Journal(tmp_path / "nowhere", fallback).write("lost", Priority.ERR)


def test_a_journal_that_does_not_read_costs_a_second(listener: Listener, writer: Journal) -> None:
    while writer.write("x", Priority.INFO):
        pass
    clock = time.monotonic()
    assert not writer.write("y", Priority.INFO)
    assert time.monotonic() - clock > 0.5
    listener.entry()
    assert writer.write("z", Priority.INFO)


@pytest.mark.parametrize(
    "name", ["", "_PID", "1ST", "small", "A-B", "A" * 65, "A\n", "\u00c9", "A="]
)
def test_a_name_that_no_journal_takes(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a journal's field"):
        encode({name: "x"})


@given(st.dictionaries(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,63}\Z"), st.text(max_size=99)))
def test_whatever_is_written_is_read(fields: dict[str, str]) -> None:
    assert read(encode(fields)) == {
        name: text.encode(errors="backslashreplace") for name, text in fields.items()
    }


JOURNALD = Path("/lib/systemd/systemd-journald")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.skipif(not JOURNALD.exists(), reason="systemd-journald is not installed")
@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ("one line", b"MESSAGE=one line\n"),
        ("", b"MESSAGE=\n"),
        ("two\nlines", b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n"),
    ],
)
def test_only_what_has_a_line_feed_comes_with_its_length(value: str, entry: bytes) -> None:
    assert journal.encode({"MESSAGE": value}) == entry


def test_the_real_journal() -> None:
    """One in namespaces of its own, with a /run of its own."""
    lines = """
from host_agent.records.systemd_journal import Journal
from host_agent.records.systemd_journal import Priority
from tests.integration.ledger_entries import ENTRY
from tests.integration.ledger_entries import entry
journal = Journal()
assert journal.write_verdict(entry(findings=ENTRY.findings * 2))
assert journal.write("large", Priority.INFO, {f"F{number}": "x" * 60000 for number in range(9)})
"""
    script = f"""
        mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/log/journal
        # In a chroot there may be none, and journald asks for it.
        [ -n "$(ls -A /sys/fs/cgroup)" ] || mount -t cgroup2 none /sys/fs/cgroup
        {JOURNALD} 2>/dev/null &
        for turn in $(seq 200); do [ -S /run/systemd/journal/socket ] && break; sleep 0.05; done
        "$@" || exit
        for turn in $(seq 200); do
            journalctl -D /run/log/journal --all -o json SYSLOG_IDENTIFIER=samemachine >/run/entries
            [ "$(wc -l </run/entries)" = 2 ] && break
            sleep 0.05
        done
        cat /run/entries
    """
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            script,
            "sh",
            sys.executable,
            "-c",
            lines,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    verdict, large = map(json.loads, done.stdout.splitlines())
    assert verdict["MESSAGE_ID"] == journal.MISMATCH
    assert verdict["SAMEMACHINE_DOMAIN"] == "vm1"
    assert verdict["SAMEMACHINE_FINDINGS"] == "\n".join(["same-network fail: the NIC moved"] * 2)
    assert verdict["PRIORITY"] == "3"
    assert (large["MESSAGE"], len(large["F8"])) == ("large", 60000)

"""Nothing is written to a guest's variable store, TPM state and disks, whatever is asked of it."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.images import TRIXIE, root_on_hosts
from tests.lab.straced import traced
from tests.lab.test_tpm import LUKS, SEALED, STORE, asked, luks

pytestmark = [
    pytest.mark.long("traced"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace"),
]

_CALLS = (
    "%file write pwrite64 writev pwritev pwritev2 ftruncate fallocate copy_file_range sendfile "
    "splice fchmod fchown fsetxattr fremovexattr fsync fdatasync sync_file_range flock fcntl mmap "
    "ioctl"
)
# Files by their names, also where a descriptor stands for one; no contents, in which names may be.
_SHOWN = ("--decode-fds=path", "-s", "0")
_CALL = re.compile(r"\d+\s+(?:<\.\.\. )?(\w+)(.*)")
# What may be done with them: looked at, and opened to be read.
_LOOKING = re.compile(
    r"(new|l|f)?f?stat(x|at|64)?|f?access(at2?)?|readlink(at)?|(l|f)?getxattr|(l|f)?listxattr"
)
_READING = re.compile(r"open(at2?)?")
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
_DESCRIPTOR = re.compile(r"F_(GETFL|GETFD|SETFD|DUPFD(_CLOEXEC)?)\b|\bTCGETS\b")


def changing(trace: str, *names: str) -> list[str]:
    """Return the lines by which one of these files could be changed, locked or replaced."""
    found = []
    for line in trace.splitlines():
        call = _CALL.match(line)
        if call is None or not any(name in line for name in names):
            continue
        what, how = call.groups()
        harmless = (
            _LOOKING.fullmatch(what)
            or (_READING.fullmatch(what) and not _WRITES.search(how))
            or (what == "mmap" and ("PROT_WRITE" not in how or "MAP_PRIVATE" in how))
            or (what in {"fcntl", "ioctl"} and _DESCRIPTOR.search(how))
        )
        if not harmless:
            found.append(line)
    return found


def test_what_a_trace_shows(host_a: Host, tmp_path: Path) -> None:
    """Each way of changing a file is found, and reading it is none."""
    name = "/tmp/traced_VARS.fd"
    ways = (
        f"echo >>{name}", f": >{name}", f"truncate -s 9 {name}", f"touch {name}",
        f"chmod 600 {name}", f"mv {name} {name}.1", f"rm {name}.1", f"flock -n {name} true",
        "cd /tmp; ln -s x traced_VARS.fd; rm traced_VARS.fd",
    )  # fmt: skip
    for way in ways:
        trace = traced(host_a, tmp_path, _CALLS.split(), _SHOWN, "sh", "-c", way)
        assert changing(trace, "traced_VARS.fd"), way
    host_a.run("cp", "/etc/hosts", name)
    trace = traced(host_a, tmp_path, _CALLS.split(), _SHOWN, "cat", name)
    assert changing(trace, "traced_VARS.fd") == []
    assert "traced_VARS.fd" in trace


def test_audit_rehearse_and_plan(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest], tmp_path: Path
) -> None:
    # Of a size that no other has: a rehearsal that was kept would start nothing.
    options = replace(SEALED, name="unwritten", memory=500)
    luks(host_a)
    guest = asked(new_guest(options).start().wait_ready())
    store = f"/{STORE.format(options.name)}"
    state = f"/var/lib/libvirt/swtpm/{guest.uuid}"
    names = (Path(store).name, guest.uuid, Path(options.disk).name, Path(LUKS).name)

    def kept() -> str:
        """Number, size, both times to the nanosecond, and what is in them."""
        files = host_a.run("find", state, store, LUKS, "-type", "f").stdout.split()
        told = host_a.run("stat", "--format=%n %i %s %y %z", *files).stdout
        return told + host_a.run("sha256sum", *files).stdout

    before = kept()
    assert before.count("\n") >= 6
    waits = ("--timeout", pace.words(30))
    longest = ("--rehearsal-timeout", str(min(3600, int(pace.words(120)))))
    there = ("--root", root_on_hosts(TRIXIE), *longest)
    whole = ""
    for words in (
        ("audit", options.name, "--rehearse", "--read-esp", *waits),
        ("rehearse", options.name, "--read-esp", *there, *waits),
        ("plan", options.name, "--to", "debian:trixie", "--rehearse", "--read-esp", *there),
    ):
        command = host_a.samemachine_command(*words)
        trace = traced(host_a, tmp_path, _CALLS.split(), _SHOWN, *command, exits=(0, 1, 3))
        assert changing(trace, *names) == [], words[0]
        assert kept() == before, words[0]
        whole += trace
    # It was all looked at: the store and the disk were read, the TPM's state was not opened.
    opened = {
        name
        for line in whole.splitlines()
        if (call := _CALL.match(line)) and _READING.fullmatch(call[1]) and "O_DIRECTORY" not in line
        for name in names
        if name in line
    }
    assert names[0] in opened
    assert guest.uuid not in opened
    assert f"{state}/tpm2" in whole

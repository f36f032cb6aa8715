"""Probes of QEMUs that go wrong in every way: a clear error, the others probed, nothing left."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import pytest

from host_agent.atlas.atlas import Atlas
from host_agent.errors import EvidenceError
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import enter_root, machine_list, probe
from host_agent.qemu.atlas_probe import survey
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.session import probe_user
from tests.integration.scripted_qemu import BAD, TYPES, Witness, write, write_bad_at

NOBODY = 65534
SAMEMACHINE = [sys.executable, "-m", "host_agent"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that")

_DYING = 10.0
GOOD = TYPES[0]
HANGS = "did not answer within"
# What the program does, and what is said of it.
PROGRAMS = {
    "hangs": ("signal.pause()", HANGS),
    "hangs with a warning": (
        "os.write(2, b'qemu-system-x86_64: warning: slow\\nqemu-system-x86_64: no luck\\n')\n"
        "signal.pause()",
        f"{HANGS} .* s: no luck",
    ),
    "complains without end": (r"endless(2, b'\x1b[31m\xff\n' * 9000)", f"{HANGS} .*: \\\\x1b"),
    "complains without a line's end": ("endless(2, b'x' * 65536)", f"{HANGS} .*: x{{300}}$"),
    "prints without end": ("endless(1, b'x' * 65536)", HANGS),
    "answers QMP without end": ("endless(qemu.qmp.fileno(), b'x' * 65536)", "without end"),
    "tells events without end": (
        "endless(qemu.qmp.fileno(), b'{\"event\": \"RESUME\"}\\n' * 9000)", HANGS,
    ),
    "trickles": (
        "while True:\n    qemu.qmp.sendall(b'x')\n    time.sleep(0.01)", HANGS,
    ),
    "answers QMP with garbage": (r"qemu.qmp.sendall(b'\xff\x00\x1b[2J\n' * 9)", "sent no JSON"),
    "answers QMP with deep JSON": ("qemu.qmp.sendall(b'[' * 99999 + b'\\n' + b'{' * 9)", "no JSON"),
    "answers QMP with huge JSON": (
        "qemu.qmp.sendall(b'{}\\n{\"return\": [')\nendless(qemu.qmp.fileno(), b'[],' * 20000)",
        "answers without end",
    ),
    "answers QMP with a list": ("qemu.qmp.sendall(b'[]\\n[]\\n[]\\n')", "sent no QMP"),
    "refuses QMP": (
        "qemu.raw = dict.fromkeys(('query-target', 'human-monitor-command'),"
        " b'{\"error\": {\"desc\": \"no \\\\u001b[31mluck' + b'!' * 9999 + b'\"}}\\n')",
        r"no \\x1b\[31mluck!{200,300}$",
    ),
    "exits with a message": (
        "sys.exit('qemu-system-x86_64: unsupported machine type')",
        "ended: unsupported machine type$",
    ),
    "exits without one": ("sys.exit(3)", "ended with exit code 3$"),
    "dies by a signal": ("os.kill(os.getpid(), 11)", "ended by signal 11$"),
    "lacks qtest": ("sys.exit('qemu-system-x86_64: -qtest: invalid option')", "invalid option$"),
    "closes everything and stays": (
        "os.closerange(0, 99)\nsignal.pause()", "closed its connection$",
    ),
    "stays when it is asked to end": (
        "for number in set(signal.valid_signals()) - {9, 19}:\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "signal.pause()",
        HANGS,
    ),
    "starts another program and waits": ("os.fork()\nsignal.pause()", HANGS),
    "starts another program and exits": ("if os.fork():\n    sys.exit(4)\nsignal.pause()", HANGS),
}  # fmt: skip
# What fw_cfg holds, and what is said of it.
MACHINES = {
    "a directory of 4 billion files": ("qemu.directory = b'\\xff' * 9999", "4294967295 files"),
    "a directory that is cut": ("qemu.directory = bytes([0, 0, 0, 99])", "cut short"),
    "a file of 4 GiB": (
        "qemu.sizes['etc/smbios/smbios-tables'] = 0xffffffff",
        "serves etc/smbios/smbios-tables with 4294967295 bytes",
    ),
    "ACPI tables of 4 GiB": ("qemu.sizes['etc/acpi/tables'] = 0xffffffff", "4294967295 bytes"),
    "a wrong signature": ("qemu.raw['inb'] = b'OK 0x0051\\n'", "no fw_cfg device"),
    "SMBIOS garbage": ("qemu.files['etc/smbios/smbios-tables'] = b'\\xff' * 999", "can't be read"),
    "SMBIOS without a system": (
        "qemu.files['etc/smbios/smbios-tables'] = bytes([127, 4, 0, 127, 0, 0])", "can't be read",
    ),
    "ACPI garbage": ("qemu.files['etc/acpi/tables'] = b'\\xff' * 4096", "can't be read"),
    "ACPI garbage and no DMA": (
        "qemu.features = 1\nqemu.files['etc/acpi/tables'] = b'\\xff' * 4096", "can't be read",
    ),
    "qtest that refuses": ("qemu.raw['b64read'] = b'FAIL \\x1b[31m\\n'", r"'FAIL \\x1b\[31m'"),
    "qtest without base64": ("qemu.raw['b64read'] = b'OK ?\\n'", "no base64"),
    "qtest that says less": ("qemu.raw['b64read'] = b'OK AAAA\\n'", "less than was asked for"),
    "qtest without end": (
        "qemu.on_qtest = lambda line: endless(qemu.qtest.fileno(), b'x' * 65536)",
        f"without end|{HANGS}",
    ),
    "qtest lines without end": (
        "qemu.on_qtest = lambda line: endless(qemu.qtest.fileno(), b'OK\\n' * 20000)",
        "less than was asked for",
    ),
    "qtest without numbers": ("qemu.raw['inb'] = b'OK\\n'", "less than was asked for"),
}  # fmt: skip


def left_over(folder: Path, before: Mapping[int, int]) -> set[int]:
    """New processes that are ours (zombies too) or have a file of this folder open.

    All that a probe starts have QEMU's binary open. What was killed may take a moment to end.
    """
    deadline = time.monotonic() + _DYING
    while (found := _new(folder, before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def _new(folder: Path, before: Mapping[int, int]) -> set[int]:
    return {
        pid
        for pid, parent in processes().items()
        if pid not in before and (parent == os.getpid() or opens(pid, folder))
    }


def opens(pid: int, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(
            descriptor.readlink().is_relative_to(folder)
            for descriptor in Path(f"/proc/{pid}/fd").iterdir()
        )
    return False


def processes() -> dict[int, int]:
    """All processes, with their parents."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                status = (process / "stat").read_text(encoding="utf-8", errors="replace")
                found[int(process.name)] = int(status.rpartition(")")[2].split()[1])
    return found


def temporary() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("samemachine-probe-*"))


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    before, files = processes(), temporary()
    yield
    assert not left_over(tmp_path, before)
    assert temporary() == files


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike ``tmp_path``."""
    with tempfile.TemporaryDirectory(prefix="test-probe-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def samemachine(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SAMEMACHINE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def only_bad_failed(atlas: Atlas) -> str:
    """Return the error of the one type with which things go wrong."""
    errors = {machine.name: machine.error for machine in atlas.machines}
    assert [name for name in TYPES if errors[name]] == [BAD], errors
    assert all(machine.fingerprint for machine in atlas.machines if machine.name != BAD)
    return errors[BAD] or ""


def test_one_that_behaves(tmp_path: Path) -> None:
    atlas = survey(str(write(tmp_path)))
    assert [machine.name for machine in atlas.machines] == list(TYPES)
    for machine in atlas.machines:
        assert machine.error is None
        assert machine.fingerprint is not None
        assert machine.fingerprint.named is not None
        assert machine.fingerprint.named.product == "Standard PC (Q35 + ICH9, 2009)"


AT_ONCE = [
    program for program, (_, said) in PROGRAMS.items() if HANGS not in said or "hangs" in program
]


@pytest.mark.parametrize("program", AT_ONCE)
def test_a_program_that_fails_at_once(tmp_path: Path, program: str) -> None:
    lines, said = PROGRAMS[program]
    qemu = write_bad_at(tmp_path, lines, machine="none")
    seconds = 0.6 if HANGS in said else 20
    with pytest.raises(EvidenceError, match=said) as caught:
        survey(str(qemu), seconds=seconds)
    assert str(qemu) in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


class _Failing(NamedTuple):
    errors: Mapping[str, str | None]
    started: list[str]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> _Failing:
    """What is said of a QEMU whose every type fails in a way of its own, and one in none."""
    folder, before = tmp_path_factory.mktemp("failing"), processes()
    cases = {f"pc-{name}": lines for name, (lines, _) in (PROGRAMS | MACHINES).items()}
    branches = [f"if qemu.type == {name!r}:\n{indent(cases[name], '    ')}" for name in cases]
    types = f"qemu.types = {[GOOD, *cases]!r}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as starts, ThreadPoolExecutor(1) as pool:
        starts.bind(address := f"\0samemachine-test-starts-{os.getpid()}")
        hearing = pool.submit(lambda: list(iter(lambda: starts.recv(99).decode(), "")))
        # They run as another user, to whom our folders are closed.
        say = (
            f"socket.socket(socket.AF_UNIX, 2).sendto((qemu.type or 'none').encode(), {address!r})"
        )
        qemu = write(folder, "qemu = Qemu()", say, types, *branches, "qemu.serve()")
        try:
            atlas = survey(str(qemu), seconds=1.5)
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", address)
    assert not left_over(folder, before)
    errors = {machine.name: machine.error for machine in atlas.machines}
    return _Failing(errors, hearing.result())


@pytest.mark.parametrize("case", PROGRAMS | MACHINES)
def test_a_type_that_fails_says_so(failing: _Failing, case: str) -> None:
    _, said = (PROGRAMS | MACHINES)[case]
    error = failing.errors[f"pc-{case}"] or ""
    assert said in error or re.search(said, error), error
    assert error.isprintable()


def test_types_that_fail_cost_no_other_its_probe(failing: _Failing) -> None:
    assert failing.errors[GOOD] is None
    # Each hangs once, not once more without devices.
    for name, (_, said) in PROGRAMS.items():
        assert said != HANGS or failing.started.count(f"pc-{name}") == 1, name


# What a QEMU does that is asked for what it sends in migrations.
DUMPING = {
    "hangs": "signal.pause()",
    "fails": "sys.exit('qemu-system-x86_64: -dump-vmstate: invalid option')",
    "ends without writing": "sys.exit()",
    "ends badly": "Path(qemu.dump).write_text(qemu.states)\nsys.exit(1)",
    "is killed": "Path(qemu.dump).write_text(qemu.states)\nos.kill(os.getpid(), 9)",
    "writes nothing of it": "qemu.states = '{}'",
    "writes no text": "Path(qemu.dump).write_bytes(bytes([255]))\nsys.exit()",
    "writes too much": "qemu.states += ' ' * (17 << 20)",
    "writes no numbers": "qemu.states = qemu.states.replace('2', '1e9')",
}


@pytest.mark.parametrize("case", DUMPING)
def test_without_states_an_atlas_has_the_rest(tmp_path: Path, case: str) -> None:
    body = indent(DUMPING[case], "    ")
    qemu = write(tmp_path, "qemu = Qemu()", f"if qemu.dump:\n{body}", "qemu.serve()")
    atlas = survey(str(qemu), seconds=1.5)
    assert atlas.states is None
    assert atlas.states_error is not None
    assert "qemu" in atlas.states_error.lower()
    assert atlas.states_error.isprintable()
    assert [(one.error, one.devices) for one in atlas.machines] == [(None, None)] * 3


@pytest.mark.parametrize(
    "lines",
    [
        'qemu.raw[\'query-machines\'] = b\'{"error": {"desc": "compat-props is unexpected"}}\\n\'',
        "qemu.answers['query-machines'] = [{'name': 'pc-q35-2.0', 'compat-props': 7}]",
        "qemu.answers['query-machines'] = [{'name': 'pc-q35-2.0', 'compat-props': [{}]}]",
        "qemu.raw['query-machines'] = b'x' * (2 << 20)",
    ],
)
def test_without_properties_an_atlas_has_the_rest(tmp_path: Path, lines: str) -> None:
    asked = f"if b'compat-props' in line:\n        {lines}\n    return serve(line)"
    qemu = write(
        tmp_path,
        "qemu = Qemu()",
        "serve = qemu.on_qmp",
        f"def asked(line):\n    {asked}",
        "qemu.on_qmp = asked",
        "qemu.serve()",
    )
    atlas = survey(str(qemu))
    assert [(one.error, one.properties) for one in atlas.machines] == [(None, None)] * 3


def test_what_a_qemu_sends_and_sets_is_kept(tmp_path: Path) -> None:
    listed = [
        {"name": "none"},
        {"name": "pc-q35-3.0", "compat-props": [
            {"qom-type": "e1000", "property": "x", "value": "off"}]},
    ]  # fmt: skip
    tree = "/machine (pc)\n  /nic (e1000)\n  /rtc (mc146818rtc)\n"
    qemu = write(
        tmp_path,
        "qemu = Qemu()",
        f"qemu.answers['query-machines'] = {listed!r}",
        f"qemu.answers['human-monitor-command'] = {tree!r}",
        "qemu.serve()",
    )
    atlas = survey(str(qemu))
    assert atlas.states is not None
    assert list(atlas.states.devices) == ["e1000"]
    (machine,) = atlas.machines
    # Of what has no state to send, nothing is kept.
    assert machine.devices == frozenset({"e1000"})
    assert [str(one) for one in machine.properties or ()] == ["e1000.x=off"]


def test_a_large_file_read_byte_by_byte_is_given_up_in_time(tmp_path: Path) -> None:
    qemu = write_bad_at(tmp_path, "qemu.features = 1", "qemu.sizes['etc/e820'] = 4 << 20")
    assert HANGS in only_bad_failed(survey(str(qemu), seconds=1.2))


def test_two_files_behind_one_key(tmp_path: Path) -> None:
    """The directory is the QEMU's word: it may say that, and both read the same."""
    twice = "\n".join(
        (
            "entries = qemu.behind(0x19)[4:]",
            "qemu.directory = bytes([0, 0, 0, 2]) + entries[:64] + entries[:64]",
        )
    )
    atlas = survey(str(write_bad_at(tmp_path, twice)))
    assert [machine.error for machine in atlas.machines] == [None] * 3


@pytest.mark.parametrize(
    "lines",
    [
        "qemu.features = 1",
        "qemu.answers['human-monitor-command'] = 'a' + ' ' * 900_000",
        "qemu.answers['human-monitor-command'] = {'not': 'text'}",
    ],
)
def test_what_is_strange_but_no_failure(tmp_path: Path, lines: str) -> None:
    atlas = survey(str(write_bad_at(tmp_path, lines)))
    assert [machine.error for machine in atlas.machines] == [None] * 3


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("qemu.answers['query-version'] = {'qemu': {'major': '\\x1b[31m'}}", "no valid QMP"),
        ("qemu.answers['query-version'] = []", "no valid QMP"),
        ("qemu.answers['query-machines'] = {'name': 'pc'}", "no valid QMP"),
        ("qemu.answers['query-machines'] = [{'alias': 'pc'}]", "no valid QMP"),
        ("qemu.answers['query-machines'] = [{'name': 'pc'}] * 5000", "5000 machine types"),
        ("qemu.answers['qom-list-types'] = 7", "no valid QMP"),
        ("qemu.raw['qmp_capabilities'] = b'{}\\n' * 9", "query-version: {}"),
    ],
)
def test_one_that_says_nonsense_of_itself(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(EvidenceError, match=said):
        survey(str(write_bad_at(tmp_path, lines, machine="none")))


def test_a_type_that_needs_an_option(tmp_path: Path) -> None:
    qemu = write_bad_at(tmp_path, "sys.exit('qemu: this machine needs -kernel')")
    done = samemachine("probe", "--qemu", str(qemu))
    assert done.returncode == 3
    (line,) = [line for line in done.stdout.splitlines() if BAD in line]
    assert re.match(rf"{BAD}  NOT PROBED  .*needs -kernel", line)
    assert TYPES[2] in done.stdout


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is no file"),
        (lambda path: os.mkfifo(path, 0o755), "is no file"),
        (lambda path: path.symlink_to(path), "symbolic links"),
        (lambda path: None, "there is no"),
        (lambda path: path.touch(0o644), "is not executable"),
    ],
    ids=["folder", "pipe", "loop", "nothing", "not executable"],
)
def test_what_is_no_program(tmp_path: Path, make, said: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "qemu")
    with pytest.raises(EvidenceError, match=f"{tmp_path / 'qemu'}.*{said}|{said} {tmp_path}"):
        survey(str(tmp_path / "qemu"))


def test_what_to_do_is_said(tmp_path: Path) -> None:
    (tmp_path / "qemu").touch(0o644)
    done = samemachine("probe", "--qemu", str(tmp_path / "qemu"))
    assert (done.returncode, done.stdout) == (2, "")
    said = f"{tmp_path}/qemu is not executable; chmod +x {tmp_path}/qemu, if it is a QEMU"
    assert done.stderr == f"samemachine: {said}\n"


@needs_root
@pytest.mark.parametrize("mode", [0o700, 0o711])
def test_a_program_that_only_root_may_start(tmp_path: Path, mode: int) -> None:
    qemu = write(tmp_path)
    qemu.chmod(mode)
    with pytest.raises(EvidenceError, match=f"{qemu} .*[Pp]ermission denied"):
        survey(str(qemu))


def test_a_program_whose_interpreter_is_missing(tmp_path: Path) -> None:
    qemu = write(tmp_path, interpreter="/nonexistent/sh")
    with pytest.raises(EvidenceError, match=f"{qemu} can't be started"):
        survey(str(qemu))


def test_a_wrapper_that_starts_qemu_and_ends(tmp_path: Path) -> None:
    atlas = survey(str(write(tmp_path, "serve_from_a_child()")))
    assert [machine.error for machine in atlas.machines] == [None] * 3


def test_a_daemon_of_its_own_session_outlives_the_probe_without_rights(tmp_path: Path) -> None:
    """The sandbox forbids it to a QEMU; to another program nothing does, and this says so."""
    with Witness() as witness:
        daemon = f"if os.fork() == 0:\n    os.setsid()\n    report({witness.name!r})\n"
        qemu = write_bad_at(tmp_path, f"{daemon}    signal.pause()", "sys.exit(5)", machine="none")
        with pytest.raises(EvidenceError, match=HANGS):
            survey(str(qemu), seconds=1)
        pid = witness.wait()
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        assert re.search(r"^NoNewPrivs:\s1$", status, re.MULTILINE)
        os.kill(pid, signal.SIGKILL)
        witness.wait_for_the_end()


def peak_kib(pid: int) -> int:
    """The most memory that a process has had; 0: it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """Of ourselves and of what we started, whatever QEMU sends."""
    most = 0
    for lines, _ in (PROGRAMS["answers QMP with huge JSON"], MACHINES["qtest without end"]):
        qemu = write_bad_at(tmp_path, lines)
        started = subprocess.Popen(
            [*SAMEMACHINE, "probe", "--qemu", qemu], stdout=subprocess.DEVNULL
        )
        # Not ru_maxrss: at exec the kernel adds to it what the parent had.
        while started.poll() is None:
            most = max(most, peak_kib(started.pid))
            time.sleep(0.01)
        assert started.returncode == 3
    assert most < 200 * 1024


REPORT = """
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
qemu.answers["query-version"] = {"qemu": dict.fromkeys(("major", "minor", "micro"), 1)} | {
    "package": json.dumps({
        "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
        "status": {name: value.strip() for name, value in status.items()
                   if name.startswith(("Cap", "NoNew"))},
        "files": sorted(os.readlink(f"/proc/self/fd/{fd}").split(":")[0]
                        for fd in range(99) if os.path.exists(f"/proc/self/fd/{fd}")
                        or os.path.islink(f"/proc/self/fd/{fd}")),
        "environment": dict(os.environ),
        "limits": [resource.getrlimit(kind) for kind in
                   (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_CORE)],
        "session": os.getsid(0) == os.getpgid(0),
        "folder": os.getcwd(),
    })}
"""


@pytest.mark.parametrize("root", [pytest.param("/", marks=needs_root), None])
def test_qemu_has_no_rights_and_nothing_of_ours(open_folder: Path, root: str | None) -> None:
    lines = f"import resource\n{REPORT}"
    qemu = write_bad_at(open_folder, lines, machine="none")
    secret = os.open(open_folder, os.O_RDONLY)
    try:
        done = subprocess.run(
            [
                *SAMEMACHINE,
                "probe",
                "--qemu",
                qemu,
                "--format",
                "json",
                *(("--root", root) if root else ()),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            pass_fds=[secret],
            env={**os.environ, "SECRET": "hunter2"},
        )
    finally:
        os.close(secret)
    told = json.loads(json.loads(done.stdout)["made"]["package"])
    if os.geteuid() == 0:
        users, groups, more = told["ids"]
        assert users == groups
        assert more == []
        # Nobody's other processes can't end it; it is of no process's but the command's.
        assert len(set(users)) == 1
        assert users[0] == NOBODY or users[0] > 1_900_000_000
        assert users[0] != NOBODY or probe_user() == NOBODY
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(told["status"][kind], 16) == 0
    assert told["status"]["NoNewPrivs"] == "1"
    assert told["files"] == ["/dev/null", "/dev/null", str(qemu), "pipe", "socket", "socket"]
    # Some of it is a shell's own, or Python's.
    assert told["environment"].keys() <= {
        "LC_ALL",
        "PATH",
        "LC_CTYPE",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    (data, addresses, core) = told["limits"]
    assert 0 < data[0] == data[1] < 4 * 1024**3
    assert data[0] < addresses[0] == addresses[1] < 4 * 1024**3
    assert core == [0, 0]
    assert told["session"]
    assert told["folder"] == "/"


@needs_root
def test_nothing_of_a_foreign_namespace_runs_with_rights(open_folder: Path) -> None:
    """Where a container's QEMU runs, its setpriv is the container's too."""
    evil, marker = open_folder / "setpriv", open_folder / "marker"
    evil.write_text(f"#!/bin/sh\nid > {marker}\n", encoding="utf-8")
    evil.chmod(0o755)
    binary = open_folder / "qemu-system-x86_64"
    binary.write_bytes(Path("/bin/sleep").read_bytes())
    binary.chmod(0o755)
    over = " && ".join(
        f"mount --bind {evil} {path}"
        for path in ("/usr/bin/setpriv", "/bin/setpriv")
        if Path(path).exists() and (path[1] == "u" or not Path("/bin").is_symlink())
    )
    running = subprocess.Popen(["unshare", "-m", "sh", "-c", f"{over} && exec {binary} 600"])
    try:
        exe = Path(f"/proc/{running.pid}/exe")
        # In a chroot the path there begins further up.
        while exe.readlink().name != binary.name:
            assert running.poll() is None
        found = qemu_binary.running(running.pid, str(binary))
        assert found.pid == running.pid
        # It is sleep that runs, and knows none of our options.
        with pytest.raises(EvidenceError, match=r"no-user-config|invalid option|unrecognized"):
            machine_list.ask(found)
    finally:
        running.kill()
        running.wait()
    assert not marker.exists()


@needs_root
def test_a_program_in_another_root_is_found_from_any_folder(open_folder: Path) -> None:
    write(open_folder)
    done = subprocess.run(
        [*SAMEMACHINE, "probe", "--root", "..", "--qemu", f"{open_folder}/qemu-system-x86_64"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/tmp",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr


@needs_root
def test_who_enters_a_root_too_late_for_its_parent_ends() -> None:
    command = ["/", "", str(NOBODY), "", str(1 << 30), str(1 << 32), "1", "/bin/true"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", enter_root.__file__, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "its parent ended\n")


PPC = ("qemu.types = ['pseries-9.0']", "qemu.answers['query-target'] = {'arch': 'ppc64'}")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("", None),
        ("qemu.write_tree = lambda path: os.symlink('/dev/zero', path)", "symbolic links"),
        ("qemu.write_tree = lambda path: os.mkfifo(path)", "no file"),
        ("qemu.write_tree = lambda path: os.mkdir(path)", "no file|Is a directory"),
        ("qemu.write_tree = lambda path: None", "No such file"),
        ("qemu.write_tree = lambda path: os.truncate(os.open(path, 65), 8 << 20)", "more than"),
        ("qemu.write_tree = lambda path: Path(path).write_bytes(b'x' * 99)", "device tree"),
    ],
)
def test_a_device_tree(tmp_path: Path, how: str, said: str | None) -> None:
    qemu = write(tmp_path, "qemu = Qemu()", *PPC, how, "qemu.serve()")
    (machine,) = survey(str(qemu), ("pseries-9.0",)).machines
    if said is None:
        assert machine.fingerprint is not None
        assert machine.fingerprint.device_tree
    else:
        assert re.search(said, machine.error or ""), machine.error


@needs_root
def test_a_root_without_a_place_for_a_device_tree(open_folder: Path) -> None:
    """As an unpacked package is: nothing but a program."""
    qemu = qemu_binary.installed(str(write(open_folder, "qemu = Qemu()", *PPC, "qemu.serve()")))
    options = ProbeOptions(architecture="ppc64", machine="pseries-9.0", accelerator="tcg")
    bare = qemu_binary.QemuBinary(
        path=qemu.path, source=qemu.source, pid=None, root=open_folder, identity=qemu.identity
    )
    with pytest.raises(EvidenceError, match=f"{open_folder}/tmp can't hold"):
        probe.probe(bare, options)


@pytest.mark.parametrize(
    ("number", "machine"),
    [
        ("SIGINT", "none"), ("SIGINT", BAD), ("SIGTERM", "none"), ("SIGTERM", BAD),
        ("SIGHUP", BAD), ("SIGKILL", BAD),
    ],
)  # fmt: skip
def test_a_signal_ends_all_at_once(tmp_path: Path, number: str, machine: str) -> None:
    """Long before the probes' own time is over."""
    output = tmp_path / "atlas.json"
    with Witness() as witness:
        hangs = (f"report({witness.name!r})", "signal.pause()")
        qemu = write_bad_at(tmp_path, *hangs, machine=machine)
        # What runs in the background ignores some of them, and so would its children.
        heeding = ["env", "--default-signal=INT,HUP,TERM", *SAMEMACHINE]
        started = subprocess.Popen(
            [*heeding, "probe", "--qemu", qemu, "--output", output],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        pid = witness.wait()
        assert Path(f"/proc/{pid}").exists()
        started.send_signal(signal.Signals[number])
        out, said = started.communicate(timeout=30)
        witness.wait_for_the_end()
    expected = signal.Signals[number].value
    assert started.returncode == (-expected if number == "SIGKILL" else 128 + expected)
    assert out == ""
    assert said.strip() == (
        "samemachine: interrupted; nothing was changed" if number == "SIGINT" else ""
    )
    assert list(tmp_path.iterdir()) == [qemu]


def test_a_signal_ends_what_a_wrapper_started(tmp_path: Path) -> None:
    with Witness() as witness:
        wrapper = ("os.fork()", f"report({witness.name!r})", "signal.pause()")
        started = subprocess.Popen([*SAMEMACHINE, "probe", "--qemu", write(tmp_path, *wrapper)])
        witness.wait()
        witness.wait()
        started.terminate()
        assert started.wait(30) == 128 + signal.SIGTERM
        witness.wait_for_the_end()

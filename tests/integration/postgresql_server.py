"""A real PostgreSQL that a test starts: a socket in a folder, no network, gone with the tests."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

USER = "samemachine"
_BINARIES = Path("/usr/lib/postgresql")  # Debian's place: /usr/lib/postgresql/15/bin
_ACCOUNTS = "postgres", "nobody"
_START_SECONDS = 30


def binaries() -> Path | None:
    """Return the folder of the newest server that is installed; None: there is none."""
    found = [path.parent for path in _BINARIES.glob("*/bin/initdb")]
    return max(found, key=lambda folder: folder.parent.name.zfill(4), default=None)


class PostgresqlServer:
    """One server, as an account without rights where we are root, which it refuses to run as."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._account = _account()
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        self._server: subprocess.Popen[bytes] | None = None
        # Whoever has a password is asked for it, the others are let in.
        self._run(
            "initdb",
            "--no-sync",
            "--auth=trust",
            f"--username={USER}",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
            f"--pgdata={folder}/data",
        )
        access = folder / "data/pg_hba.conf"
        access.write_text(
            f"local all asked scram-sha-256\n{access.read_text(encoding='utf-8')}", encoding="utf-8"
        )

    def url(self, database: str = "postgres", user: str = USER) -> str:
        """Return the URL of one of its databases; ``user`` may hold a password."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._command(
                    "postgres",
                    "-D",
                    f"{self.folder}/data",
                    "-k",
                    str(self.folder),
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "shared_buffers=16MB",
                    "-c",
                    "max_connections=80",
                    "-c",
                    "autovacuum=off",
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._psql("SELECT 1").returncode:
            if self._server.poll() is not None or time.monotonic() > deadline:
                log_text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL does not start: {log_text}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, with what it was doing."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                self._server.send_signal(signal.SIGQUIT)
            self._server.wait(_START_SECONDS)
            self._server = None

    def kill(self) -> None:
        """Kill its first process, as a host that runs out of memory does: nothing is put in order.

        What it has started ends when it notices, and until then no other one starts there.
        """
        assert self._server is not None
        orphans = _children(self._server.pid)
        self._server.kill()
        self._server.wait()
        self._server = None
        deadline = time.monotonic() + _START_SECONDS
        while any(map(_runs, orphans)):
            assert time.monotonic() < deadline, orphans
            time.sleep(0.01)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """All of it stopped, as on a host that hangs: connections stay, nobody answers."""
        assert self._server is not None
        frozen = [self._server.pid, *_children(self._server.pid)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in frozen:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Return what ``psql`` prints for a statement."""
        done = self._psql(statement, database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def holding(self, statement: str, database: str) -> "subprocess.Popen[str]":
        """Start a client that runs a statement in a transaction and stays in it until closed."""
        client = subprocess.Popen(
            self._psql_command(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"BEGIN; {statement}; SELECT 'held';\n")
        client.stdin.flush()
        while "held" not in client.stdout.readline():
            assert client.poll() is None
        return client

    def _psql(
        self, statement: str, database: str = "postgres"
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self._psql_command(database), "-c", statement],
            capture_output=True,
            text=True,
            check=False,
            timeout=_START_SECONDS,
        )

    def _psql_command(self, database: str) -> list[str]:
        return [
            str(self._programs / "psql"),
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.folder),
            "-U",
            USER,
            database,
        ]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            self._command(*command), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr

    def _command(self, program: str, *arguments: str) -> Sequence[str]:
        account = self._account
        rights = (
            []
            if account is None
            else [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        )
        # Its end is a QUIT: postgres then ends what it has started.
        return [
            "setpriv",
            "--pdeathsig",
            "QUIT",
            *rights,
            str(self._programs / program),
            *arguments,
        ]


@contextlib.contextmanager
def running(programs: Path) -> Iterator[PostgresqlServer]:
    """A server in a folder that its account may reach, and whose path a socket's may hold."""
    with tempfile.TemporaryDirectory(prefix="samemachine-", dir="/tmp") as folder:
        server = PostgresqlServer(Path(folder), programs)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def hung(folder: Path) -> socket.socket:
    """Return a server's socket at which nobody answers, though the kernel lets everybody in."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen(100)
    return listener


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    names = {account.pw_name: account for account in pwd.getpwall()}
    return next(names[name] for name in _ACCOUNTS if name in names)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return list(map(int, text.split()))


def _runs(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has taken note of is ended all the same."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False

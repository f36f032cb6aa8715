"""Files that commands are given: wrong, hostile, of another type; a sentence, exit 2, in time."""

import gzip
import lzma
import os
import resource
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from host_agent import given_file
from host_agent.errors import UsageError

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
MIB = 1024 * 1024
_MEMORY = 700 * MIB
"""What Python, its libraries and the largest document of a million values take in addresses."""

NESTED = b"x = " + b"[" * 100_000
WRONG = {
    "nested.toml": NESTED,
    "nested.json": b'{"samemachine_atlas": 1, "made": ' + b"[" * 100_000,
    "parts.toml": b"a." * 400_000 + b"b = 1",
    "nan.toml": b"timeout = nan\n",
    "inf.toml": b"timeout = inf\n",
    "digits.toml": b"timeout = " + b"9" * 9000,
    "text.bin": b"\xff\xfe\0\1",
    "large": b"#" * (20 * MIB),
    "many.json": b"[" + b"[]," * (5 * MIB) + b"[]]",
    "bomb.gz": gzip.compress(bytes(200 * MIB)),
    "bomb.xz": lzma.compress(bytes(200 * MIB)),
    "many.xz": lzma.compress(b"[" + b"[]," * (5 * MIB) + b"[]]"),
    "cut.xz": lzma.compress(os.urandom(9999))[:500],
    "damaged.gz": gzip.compress(b"{}")[:-6] + b"??????",
}
TRIED = {
    "waivers": (
        ["audit", "-c", "test:///default", "--waive"],
        ("nested.toml", "parts.toml", "large", "folder", "pipe"),
    ),
    "configuration": (["--config"], ("nan.toml", "inf.toml", "digits.toml", "text.bin")),
    "atlas": (
        ["diff", "debian:bookworm"],
        (
            "nested.json",
            "many.json",
            "bomb.gz",
            "bomb.xz",
            "many.xz",
            "cut.xz",
            "damaged.gz",
            "socket",
        ),
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    for name, raw in WRONG.items():
        (folder / name).write_bytes(raw)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    return folder


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


@pytest.mark.parametrize("kind", TRIED)
def test_a_wrong_file_is_a_sentence(place: Path, kind: str) -> None:
    command, names = TRIED[kind]
    for name in names:
        words = [*command, str(place / name)]
        if kind == "configuration":
            words += ["audit", "-c", "test:///default"]
        done = subprocess.run(
            [*SAMEMACHINE, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            preexec_fn=bounded,
        )
        assert (name, done.returncode, done.stdout) == (name, 2, ""), done.stderr
        assert str(place / name) in done.stderr
        assert "Traceback" not in done.stderr
        assert len([line for line in done.stderr.splitlines() if str(place) in line]) == 1


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"x" * 200_000))
    writer.start()
    assert given_file.read(pipe, 1 << 20) == b"x" * 200_000
    writer.join()


def test_a_pipe_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(TimeoutError, match=r"nothing came from it within 0\.1 s"):
        given_file.read(pipe, 100, seconds=0.1)


def test_what_never_ends_is_too_large() -> None:
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        given_file.text(Path("/dev/zero"))
    assert given_file.text(Path("/dev/null")) == ""

"""Kept probes: read again as they were, and never in the way of a new one."""

import dataclasses
import gzip
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import options as qemu_options
from host_agent.qemu import probe
from host_agent.qemu.binary import Identity, QemuBinary
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.probe import Probed
from host_agent.qemu.probe_store import FingerprintStore
from tests.integration.scripted_qemu import TYPES, write

OPTIONS = qemu_options.bare(TYPES[1], "x86_64")
OTHER = qemu_options.bare(TYPES[2], "x86_64")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that")


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> QemuBinary:
    return qemu_binary.installed(str(write(tmp_path_factory.mktemp("qemu"))))


@pytest.fixture(scope="module")
def probed(binary: QemuBinary) -> Probed:
    made = probe.probe(binary, OPTIONS)
    return dataclasses.replace(made, masked=frozenset({(4, "Processor ID"), (1, "Product Name")}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "probes"


def kept(folder: Path, binary: QemuBinary, probed: Probed) -> Path:
    """Keep a probe, and return its file."""
    FingerprintStore(folder).put(binary.identity, OPTIONS, probed)
    (file,) = folder.iterdir()
    return file


def test_round_trip(folder: Path, binary: QemuBinary, probed: Probed) -> None:
    store = FingerprintStore(folder)
    assert store.get(binary.identity, OPTIONS) is None
    assert not folder.exists()
    file = kept(folder, binary, probed)
    assert store.get(binary.identity, OPTIONS) == probed
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Identity)])
def test_another_binary_is_another_entry(
    folder: Path, binary: QemuBinary, probed: Probed, field: str
) -> None:
    kept(folder, binary, probed)
    changed: Any = {field: "0" if field == "build_id" else getattr(binary.identity, field) + 1}
    other = dataclasses.replace(binary.identity, **changed)
    assert FingerprintStore(folder).get(other, OPTIONS) is None


@pytest.mark.parametrize(
    "other",
    [
        OTHER,
        dataclasses.replace(OPTIONS, architecture="i386"),
        dataclasses.replace(OPTIONS, accelerator="kvm"),
        dataclasses.replace(OPTIONS, arguments=(*OPTIONS.arguments, "-uuid", "0")),
    ],
)
def test_another_option_is_another_entry(
    folder: Path, binary: QemuBinary, probed: Probed, other: ProbeOptions
) -> None:
    kept(folder, binary, probed)
    assert FingerprintStore(folder).get(binary.identity, other) is None


def changed(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def make(raw: bytes) -> bytes:
        form = json.loads(gzip.decompress(raw))
        change(form)
        return gzip.compress(json.dumps(form).encode())

    return make


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut": lambda raw: raw[:-20],
    "cut in the header": lambda raw: raw[:5],
    "damaged": lambda raw: raw[:99] + bytes(99) + raw[198:],
    "no gzip": lambda raw: b"{}",
    "no text": lambda raw: gzip.compress(b"\xff\xfe"),
    "deep": lambda raw: gzip.compress(b"[" * 99999),
    "a bomb": lambda raw: gzip.compress(bytes(64 << 20), 1),
    "a list": lambda raw: gzip.compress(b"[]"),
    "another form": changed(lambda form: form.clear()),
    "no fingerprint": changed(lambda form: form.update(fingerprint=7)),
    "damaged blobs": changed(lambda form: form.update(blobs={"00": "AAAA"})),
    "an endless mask": changed(lambda form: form.update(masked=[[float("inf"), "x"]])),
    "a mask of one": changed(lambda form: form.update(masked=[7])),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_can_not_be_read_is_made_again(
    folder: Path, binary: QemuBinary, probed: Probed, damage: str
) -> None:
    file, store = kept(folder, binary, probed), FingerprintStore(folder)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert store.get(binary.identity, OPTIONS) is None
    store.put(binary.identity, OPTIONS, probed)
    assert store.get(binary.identity, OPTIONS) == probed


def test_the_answer_to_another_question_is_not_used(
    folder: Path, binary: QemuBinary, probed: Probed
) -> None:
    store = FingerprintStore(folder)
    file = kept(folder, binary, probed)
    raw = file.read_bytes()
    file.unlink()
    store.put(binary.identity, OTHER, probed)
    (file,) = folder.iterdir()
    file.write_bytes(raw)
    assert store.get(binary.identity, OTHER) is None


@pytest.mark.parametrize("place", ["/proc/none/probes", "file/probes", "file"])
def test_a_folder_that_can_not_be_made(
    tmp_path: Path, binary: QemuBinary, probed: Probed, place: str
) -> None:
    (tmp_path / "file").touch()
    store = FingerprintStore(tmp_path / place)
    store.put(binary.identity, OPTIONS, probed)
    assert store.get(binary.identity, OPTIONS) is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_others_may_write(folder: Path, binary: QemuBinary, probed: Probed) -> None:
    """What is there may be of anybody: neither believed nor added to."""
    kept(folder, binary, probed)
    store = FingerprintStore(folder)
    for mode in (0o777, 0o770, 0o1777):
        folder.chmod(mode)
        assert store.get(binary.identity, OPTIONS) is None
        store.put(binary.identity, OTHER, probed)
        assert len(list(folder.iterdir())) == 1
    folder.chmod(0o755)
    assert store.get(binary.identity, OPTIONS) == probed


@needs_root
def test_a_folder_of_another_user(folder: Path, binary: QemuBinary, probed: Probed) -> None:
    kept(folder, binary, probed)
    os.chown(folder, 65534, 65534)
    store = FingerprintStore(folder)
    assert store.get(binary.identity, OPTIONS) is None
    store.put(binary.identity, OTHER, probed)
    assert len(list(folder.iterdir())) == 1


def test_links_are_not_followed(folder: Path, binary: QemuBinary, probed: Probed) -> None:
    file, store = kept(folder, binary, probed), FingerprintStore(folder)
    elsewhere = folder.parent / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert store.get(binary.identity, OPTIONS) is None
    # The link is replaced, not written through.
    before = elsewhere.stat().st_mtime_ns
    store.put(binary.identity, OPTIONS, probed)
    assert not file.is_symlink()
    assert elsewhere.stat().st_mtime_ns == before
    linked = folder.parent / "linked"
    linked.symlink_to(folder)
    assert FingerprintStore(linked).get(binary.identity, OPTIONS) is None


def test_a_pipe_is_not_waited_for(folder: Path, binary: QemuBinary, probed: Probed) -> None:
    file = kept(folder, binary, probed)
    file.unlink()
    os.mkfifo(file)
    assert FingerprintStore(folder).get(binary.identity, OPTIONS) is None


def test_the_least_used_are_removed(folder: Path, binary: QemuBinary, probed: Probed) -> None:
    folder.mkdir(parents=True, mode=0o700)
    for age in range(20):
        file = folder / f"{age:02}.json.gz"
        file.touch()
        os.utime(file, (10**9 - age, 10**9 - age))
    (folder / "a folder of somebody else").mkdir()
    store = FingerprintStore(folder, most=20)
    store.put(binary.identity, OPTIONS, probed)
    left = {path.name for path in folder.iterdir()}
    assert len(left) == 20
    assert not left & {"18.json.gz", "19.json.gz"}
    assert {"17.json.gz", "a folder of somebody else"} < left
    # Whoever is used becomes young again.
    (used,) = {path for path in folder.iterdir() if len(path.name) > 64}
    os.utime(used, (1, 1))
    assert store.get(binary.identity, OPTIONS) == probed
    store.put(binary.identity, OTHER, probed)
    store.put(binary.identity, dataclasses.replace(OTHER, accelerator="kvm"), probed)
    assert used.exists()


def put_and_get(folder: Path, binary: QemuBinary, times: int) -> str:
    """Lines of a program that probes, keeps and reads, which must go on whatever happens."""
    return f"""
from pathlib import Path
from host_agent.qemu import probe
from host_agent.qemu import options
from host_agent.qemu import binary
from host_agent.qemu.probe_store import FingerprintStore
binary = binary.installed({binary.path!r})
options = options.bare({TYPES[1]!r}, "x86_64")
made = probe.probe(binary, options)
store = FingerprintStore(Path({str(folder)!r}), most=5)
for turn in range({times}):
    store.put(binary.identity, options, made)
    kept = store.get(binary.identity, options)
    assert kept in (None, made)
print(kept == made)
"""


@needs_root
def test_a_full_disk(tmp_path: Path, binary: QemuBinary) -> None:
    script = """
        mount -t tmpfs -o size=8k none "$0" && mkdir -m 700 "$0/probes" || exit 99
        head -c 8192 /dev/zero >"$0/full" || true
        "$@" && ls -A "$0/probes"
    """
    lines = put_and_get(tmp_path / "probes", binary, 2)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, tmp_path, sys.executable, "-c", lines],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "False\n")


def test_two_processes_at_once(folder: Path, binary: QemuBinary) -> None:
    lines = put_and_get(folder, binary, 200)
    both = [
        subprocess.Popen([sys.executable, "-c", lines], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [one.communicate(timeout=60)[0] for one in both] == ["True\n"] * 2
    (file,) = folder.iterdir()
    assert file.name.endswith(".json.gz")

"""A firmware that measures, of a scripted QEMU beside a real swtpm: its log is read from memory."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import fresh_tpm, measured_boot
from host_agent.qemu.rehearsal_options import from_domain
from samemachine.event_log import SEPARATOR, Event
from tests import event_logs
from tests.event_logs import SHA256
from tests.integration.scripted_qemu import write
from tests.integration.test_probe_failures import nothing_is_left

# What is left behind is looked for after each of these as well.
__all__ = ["nothing_is_left"]

BARE = "/usr/bin/qemu-system-x86_64 -machine pc-q35-9.0 -accel tcg -m 8 -smp 1"
SEPARATORS = b"".join(event_logs.event(pcr, 4, bytes(4), SHA256) for pcr in range(8))
LOG = event_logs.head(SHA256) + event_logs.event(0, 8, b"version", SHA256) + SEPARATORS
AGAIN = event_logs.head(SHA256) + event_logs.event(0, 8, b"another", SHA256) + SEPARATORS
LOADED = LOG + event_logs.event(4, 0x80000003, b"a loader", SHA256)
AT, TABLE, ROOT = 0x500000, 0x400600, 0x400400
needs_swtpm = pytest.mark.skipif(shutil.which("swtpm") is None, reason="there is no swtpm")


class Patience:
    """Looks so often at a log that stays as it is, however long that takes."""

    def __init__(self, _: object) -> None:
        self._left = 3

    def leave_out(self, _: float) -> None:
        pass

    def is_over(self, _: float) -> bool:
        self._left -= 1
        return self._left < 0


def measured(
    folder: Path,
    log: bytes = LOG,
    address: int = AT,
    store: bytes | None = None,
    seconds: float = 30,
    later: Sequence[bytes] = (),
) -> tuple[Event, ...]:
    """``later``: what the log's memory has when it is read again; then the loader runs as well."""
    lines = (
        "class Changing(Qemu):",
        f"    later = {[one.ljust(len(log), bytes(1)) for one in later]!r}",
        "    def on_qtest(self, line):",
        "        answer = super().on_qtest(line)",
        "        word, *numbers = line.split()",
        f"        if word == b'b64read' and int(numbers[0], 0) == {AT} and self.later:",
        "            blob = self.later.pop(0)",
        f"            self._ram[{AT} : {AT} + len(blob)] = blob",
        "        return answer",
        "qemu = Changing()",
        f"body = bytes(28) + (65536).to_bytes(4, 'little') + ({address}).to_bytes(8, 'little')",
        f"qemu.left[{TABLE}] = _table(b'TPM2', body)",
        f"both = ACPI_AT.to_bytes(4, 'little') + ({TABLE}).to_bytes(4, 'little')",
        f"qemu.left[{ROOT}] = _table(b'RSDT', both)",
        f"qemu.left[{AT}] = {log!r}",
        "qemu.serve()",
    )
    program = write(folder, *lines)
    options = from_domain(shlex.split(BARE), "x86_64")
    binary = qemu_binary.installed(str(program))
    enough = (lambda _: False) if later else None
    return measured_boot.measure(binary, options, "tpm-tis", store, seconds, enough=enough)


@needs_swtpm
def test_a_log_where_the_table_says(tmp_path: Path) -> None:
    events = measured(tmp_path)
    assert [(one.pcr, one.type) for one in events] == [(0, 8), *((pcr, 4) for pcr in range(8))]


@needs_swtpm
@pytest.mark.parametrize(
    ("log", "address", "reason", "words"),
    [
        (LOG[:-60], AT, Reason.HUNG, "did not close the TPM's registers"),
        (b"", AT, Reason.HUNG, "did not close the TPM's registers"),
        (LOG, 0, Reason.HUNG, "did not close the TPM's registers"),
        (LOG, 1 << 30, Reason.FAILED, "left no event log"),
    ],
)
def test_no_log(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: bytes,
    address: int,
    reason: Reason,
    words: str,
) -> None:
    # The first look is the last one, however slow this machine is: nothing more will come.
    monkeypatch.setattr(measured_boot, "_PAUSE", 3600)
    with pytest.raises(EvidenceError, match=words) as raised:
        measured(tmp_path, log, address)
    assert raised.value.missing.reason is reason


@needs_swtpm
@pytest.mark.parametrize(
    ("later", "version"),
    [
        # A kernel takes the memory.
        ((LOG, b""), b"version"),
        ((LOG, LOG[:-90]), b"version"),
        # Of what it takes the loader's part was last.
        ((LOADED, LOG), b"version"),
        # The firmware starts itself again, and measures something else.
        ((LOG, b"", AGAIN[:-90], AGAIN), b"another"),
        ((LOG, AGAIN[:-90], AGAIN, b""), b"another"),
    ],
)
def test_what_was_whole_last_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: tuple[bytes, ...], version: bytes
) -> None:
    monkeypatch.setattr(measured_boot, "_Quiet", Patience)
    monkeypatch.setattr(measured_boot, "_AGAIN", 0.0)
    events = measured(tmp_path, later=later)
    assert events[0].data == version
    assert {one.pcr for one in events if one.type == SEPARATOR} == set(range(8))
    assert (events[-1].pcr == 4) is (LOADED in later)


@needs_swtpm
def test_a_new_tpm_ends_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_tpm.started() as descriptor:
        assert descriptor >= 0
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())

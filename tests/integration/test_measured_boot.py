"""A firmware that measures, of a scripted QEMU beside a real swtpm: its log is read from memory."""

import shlex
import shutil
from pathlib import Path

import pytest

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import fresh_tpm, measured_boot
from host_agent.qemu.rehearsal_options import from_domain
from samemachine.event_log import Event
from tests import event_logs
from tests.event_logs import SHA256
from tests.integration.scripted_qemu import write
from tests.integration.test_probe_failures import nothing_is_left

# What is left behind is looked for after each of these as well.
__all__ = ["nothing_is_left"]

BARE = "/usr/bin/qemu-system-x86_64 -machine pc-q35-9.0 -accel tcg -m 8 -smp 1"
SEPARATORS = b"".join(event_logs.event(pcr, 4, bytes(4), SHA256) for pcr in range(8))
LOG = event_logs.head(SHA256) + event_logs.event(0, 8, b"version", SHA256) + SEPARATORS
AT, TABLE, ROOT = 0x500000, 0x400600, 0x400400
needs_swtpm = pytest.mark.skipif(shutil.which("swtpm") is None, reason="there is no swtpm")


def measured(
    folder: Path,
    log: bytes = LOG,
    address: int = AT,
    store: bytes | None = None,
    seconds: float = 30,
) -> tuple[Event, ...]:
    lines = (
        "qemu = Qemu()",
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
    return measured_boot.measure(binary, options, "tpm-tis", store, seconds)


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
def test_a_new_tpm_ends_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_tpm.started() as descriptor:
        assert descriptor >= 0
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())

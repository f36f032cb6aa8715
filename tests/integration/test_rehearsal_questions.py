"""How often a rehearsal asks its QEMU: both wait each time, so what can be is asked at once."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from host_agent.errors import EvidenceError
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu.rehearsal import rehearse
from host_agent.qemu.session import QemuSession, Stop
from tests.integration.scripted_qemu import write
from tests.integration.test_probe_failures import nothing_is_left
from tests.integration.test_rehearsal_failures import CPU, VIRTIO, options, rehearsed

# What is left behind is looked for after each of these as well.
__all__ = ["nothing_is_left"]

FUNCTIONS = """
qemu.answers["query-pci"] = [{"devices": [
    {"bus": 0, "slot": slot, "function": 0, "qdev_id": ""} for slot in range(NUMBER)]}]
"""


@dataclass(slots=True)
class Asked:
    """What was sent in a rehearsal."""

    qtest: list[list[str]] = field(default_factory=list)
    """Commands that were sent together."""
    qmp: list[list[str]] = field(default_factory=list)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()
    exchange = QemuSession._exchange

    def noted(
        session: QemuSession, channel: object, sent: bytes, count: int, most: int
    ) -> list[bytes]:
        if sent:
            which = found.qmp if channel is session._qmp else found.qtest
            which.append(sent.decode().splitlines())
        return exchange(session, channel, sent, count, most)  # type: ignore[arg-type]

    monkeypatch.setattr(QemuSession, "_exchange", noted)
    return found


def test_each_thing_is_asked_once(tmp_path: Path, asked: Asked) -> None:
    rehearsed(tmp_path, CPU)
    commands = [line.split('"')[3] for sent in asked.qmp for line in sent]
    assert commands == [
        "qmp_capabilities",
        "query-version",
        "cont",
        "stop",
        "query-pci",
        "query-cpus-fast",
        *["qom-get"] * 7,
        "human-monitor-command",
    ]
    # All properties of the CPU at once.
    assert len(asked.qmp) == 8
    memory = [[line.split()[1] for line in sent] for sent in asked.qtest if "b64read" in sent[0]]
    # Both anchors and all tables: while the firmware runs, and of the machine that stands still.
    assert Counter(at for sent in memory for at in sent).most_common(1)[0][1] == 2
    assert len(memory) == 5
    # And fw_cfg: signature, features, directory, memory map.
    assert len(asked.qtest) == 5 + 1 + 4


@pytest.mark.parametrize("number", [1, 32])
def test_functions_are_asked_at_once(tmp_path: Path, asked: Asked, number: int) -> None:
    found = rehearsed(tmp_path, FUNCTIONS.replace("NUMBER", str(number)))
    assert len(found.pci) == number
    config = [sent for sent in asked.qtest if sent[0].startswith("outl 0xcf8")]
    # Their headers alone, for none has capabilities.
    assert [len(sent) for sent in config] == [number * 32]


@pytest.mark.parametrize(("kind", "times"), [("modern", 2), ("both", 3), ("old", 2)])
def test_a_virtio_device(tmp_path: Path, asked: Asked, kind: str, times: int) -> None:
    rehearsed(tmp_path, VIRTIO.replace("GIVEN", f"{kind!r}, 3, 256"))
    # Memory, headers, capabilities, its registers, fw_cfg.
    assert len(asked.qtest) == 5 + 1 + 1 + times + 4


def test_events_between_answers_are_none(tmp_path: Path) -> None:
    event = 'b\'{"event": "RESUME"}\\n\''
    lines = f"last = qemu.on_qmp\nqemu.on_qmp = lambda line: {event} + last(line) + {event}"
    found = rehearsed(tmp_path, CPU, lines).cpu
    assert found is not None
    assert (found.vendor, found.revision, found.filtered) == ("AuthenticAMD", "6-6-3", ("avx2",))


def test_one_that_waits_for_its_firmware_can_be_ended(tmp_path: Path) -> None:
    program = write(tmp_path, "qemu = Qemu()", "qemu.left = {}", "qemu.serve()")
    with Stop() as stop:
        timer = threading.Timer(1, stop.set)
        timer.start()
        with pytest.raises(EvidenceError, match="was ended early"):
            rehearse(qemu_binary.installed(str(program)), options(), 100, stop)
        timer.join()


def test_one_that_ends_while_it_is_waited_for(tmp_path: Path) -> None:
    lines = (
        "import threading",
        "qemu = Qemu()",
        "qemu.left = {}",
        "threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()",
        "qemu.serve()",
    )
    program = write(tmp_path, *lines)
    with pytest.raises(EvidenceError, match="ended by signal 15"):
        rehearse(qemu_binary.installed(str(program)), options(), 100)

"""``samemachine-lab matrix``: real guests of a few types, and a package that was made worse."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import CHECKOUT
from tests.lab import needed, pace, worse_qemu

TWO = "pc-q35-7.2", "pc-i440fx-2.8"
PATH = "bookworm-trixie"
BOTH = ["probe", "boot", "move", "load", "reboot", "restart", "back"]


@pytest.fixture(autouse=True)
def tools(request: pytest.FixtureRequest) -> Iterator[None]:
    needed.require()
    with needed.shown(request):
        yield


def command(folder: Path, target: str, *more: str) -> list[str]:
    program = [sys.executable, "-m", "tests.lab", "matrix", "--from", "bookworm", "--to", target]
    return [*program, "--folder", str(folder), "--format", "json", *more]


def matrix(folder: Path, target: str, *more: str) -> dict[str, Any]:
    """Run it whole; its exit code must be that of its JSON."""
    done = subprocess.run(
        command(folder, target, *more),
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    form = json.loads(done.stdout)
    assert done.returncode == form["exit_code"]
    return dict(form)


def outcomes(form: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        one["machine"]: {step["step"]: step["outcome"] for step in one["steps"]}
        for one in form["types"]
    }


@pytest.mark.parametrize(
    "types", [TWO[:1], pytest.param(TWO, marks=pytest.mark.long("matrix"))], ids=len
)
def test_from_bookworm_to_trixie(tmp_path: Path, types: tuple[str, ...]) -> None:
    form = matrix(tmp_path, "trixie", "--types", *types)
    assert form["exit_code"] == 0, form
    assert form["wrong_forecasts"] == []
    found = outcomes(form)
    assert set(found) == set(types)
    for steps in found.values():
        assert list(steps) == BOTH
        assert steps.pop("back") == "told"
        assert set(steps.values()) == {"as expected"}, found
    # What was foretold did come, of each kind.
    for kind in ("probe", "rehearsal", "vmstate", "plan"):
        assert form["forecasts"][kind]["right"] >= len(types), form["forecasts"]
    for one in form["types"]:
        cells = {step["step"]: step for step in one["steps"]}
        assert cells["load"]["figures"]["stood_still_ms"] > 0
        assert any("Processor Family" in told for told in cells["reboot"]["differences"])
    page = (tmp_path / PATH / "matrix.html").read_text(encoding="utf-8")
    assert page.count("<rect ") == len(types) * len(BOTH)


@pytest.mark.long("matrix")
@pytest.mark.timeout(600)
def test_what_was_broken_off_is_gone_on_with(tmp_path: Path) -> None:
    types = ("--types", *TWO)
    journal = tmp_path / PATH / "journal.jsonl"
    process = subprocess.Popen(
        # What runs in the background ignores SIGINT, and so would the command.
        ["env", "--default-signal=INT", *command(tmp_path, "trixie", *types, "--lanes", "1")],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + pace.stretched(180)
        # Seven cells of the first type, and one of the second: in the middle of it.
        while len(lines(journal)) < 1 + len(BOTH) + 1 and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=pace.stretched(60))
    finally:
        process.kill()
    assert process.returncode == 130
    before = json.loads(output)
    assert before["exit_code"] == 130
    first, second = before["types"]
    assert None not in [step["outcome"] for step in first["steps"]]
    assert None in [step["outcome"] for step in second["steps"]]
    after = matrix(tmp_path, "trixie", *types, "--resume")
    assert after["exit_code"] == 0, after
    assert after["types"][0] == first
    assert after["not_done"] == 0


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


@pytest.mark.long("matrix")
@pytest.mark.timeout(600)
def test_a_package_that_was_made_worse(tmp_path: Path) -> None:
    worse_qemu.package(tmp_path)
    good = "pc-q35-7.2"
    worse = worse_qemu.OTHER_SMBIOS, worse_qemu.OTHER_SLOT, worse_qemu.REFUSED
    form = matrix(tmp_path / "run", f"trixie+{tmp_path}", "--types", good, *worse)
    assert form["exit_code"] == 1
    found = {
        machine: [step for step, outcome in steps.items() if outcome == "beyond the expected"]
        for machine, steps in outcomes(form).items()
    }
    assert found[good] == []
    assert {one["machine"] for one in form["wrong_forecasts"]} <= set(worse)
    steps = {(one["machine"], step["step"]): step for one in form["types"] for step in one["steps"]}
    other = steps[worse_qemu.OTHER_SMBIOS, "reboot"]
    assert any("type 2" in told for told in other["beyond"]), other
    assert found[worse_qemu.OTHER_SLOT][0] == "move"
    slot = steps[worse_qemu.OTHER_SLOT, "restart"]
    assert any(told.startswith("PCI 0000:00:1d.0") for told in slot["beyond"]), slot
    assert found[worse_qemu.REFUSED]

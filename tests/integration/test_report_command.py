"""``samemachine report``: of files, of hosts that are audited now, of both; what is no audit."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from host_agent.records.ledger import Ledger
from tests import json_output
from tests.integration.ledger_entries import entry
from tests.integration.test_several_hosts import NOWHERE, UUID, A, B, Rows, host, uris
from tests.lab import pace
from tests.unit.host_agent.output.test_audit_page import Page, sound

__all__ = ["host", "uris"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def run(ledger: Path, tmp_path: Path) -> Run:
    environment = {**os.environ, "SAMEMACHINE_LEDGER": str(ledger), "TZ": "Asia/Tokyo"}

    def run(*arguments: object, **more: str) -> "subprocess.CompletedProcess[str]":
        patience = ("--host-timeout", "600") if arguments[0] == "report" else ()
        done = subprocess.run(
            # No host hangs here, however slow the machine is.
            [sys.executable, "-m", "host_agent", *map(str, arguments), *patience],
            capture_output=True,
            text=True,
            check=False,
            timeout=pace.stretched(60),
            env={**environment, **more},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def page(done: "subprocess.CompletedProcess[str]", code: int = 0) -> Page:
    assert done.returncode == code, done.stderr
    return sound(done.stdout)


@pytest.fixture
def files(run: Run, uris: list[str], tmp_path: Path) -> list[Path]:
    made = []
    for name, uri in zip("ab", uris[1::2], strict=True):
        made.append(tmp_path / f"{name}.json")
        done = run("audit", "-c", uri, "--format", "json", "--output", made[-1])
        # libvirt's library says on standard error where this machine's name leads nowhere.
        assert done.stdout == "", done.stderr
        json_output.read(made[-1].read_text(encoding="utf-8"))
    return made


def domains(page: Page) -> int:
    return sum(tag == "details" and "id" in attributes for tag, attributes in page.elements)


def test_files_and_hosts_say_the_same(run: Run, files: list[Path], uris: list[str]) -> None:
    of_files, of_hosts = page(run("report", *files)), page(run("report", *uris))
    assert domains(of_files) == domains(of_hosts) == len(A) + len(B)
    assert {"vm1", "vm4", "i-5"} <= set(of_files.texts) & set(of_hosts.texts)
    assert "web (Nova)" in of_files.texts


def test_files_and_a_host_together(run: Run, files: list[Path], uris: list[str]) -> None:
    both = page(run("report", files[0], "-c", uris[3]))
    assert domains(both) == len(A) + len(B)
    # What the environment says is not meant where files are given.
    alone = page(run("report", files[0], LIBVIRT_DEFAULT_URI=uris[3]))
    assert domains(alone) == len(A)


def test_the_newest_audit_of_a_host_counts(run: Run, files: list[Path], tmp_path: Path) -> None:
    form = json.loads(files[0].read_text(encoding="utf-8"))
    form["hosts"][0] |= {"started": "2020-01-01T00:00:00+00:00", "domains": []}
    old = tmp_path / "old.json"
    old.write_text(json.dumps(form), encoding="utf-8")
    for order in ([old, files[0]], [files[0], old]):
        read = page(run("report", *order))
        assert domains(read) == len(A)
        assert any(text.startswith("1 audits of hosts that were") for text in read.texts)


def test_timelines_are_the_ledgers(run: Run, files: list[Path], ledger: Path) -> None:
    without = page(run("report", files[0]))
    assert any(text.startswith("No timelines: there is no ledger") for text in without.texts)
    one = entry(uuid=f"{UUID}1", time=1.7e9)
    Ledger(str(ledger)).append(one, entry(uuid="another", occasion="unwanted"))
    told = page(run("report", files[0], "--since", "2023-11-01")).texts
    # In UTC, whatever the zone of who made the page.
    assert "2023-11-14 22:13:20" in told
    assert "same-network: the NIC moved" in told
    assert "unwanted" not in told
    assert "2023-11-14 22:13:20" not in page(run("report", files[0])).texts


def test_a_ledger_that_cannot_be_read(run: Run, files: list[Path], ledger: Path) -> None:
    ledger.write_bytes(b"no database")
    done = run("report", files[0])
    assert any(text.startswith("No timelines: ") for text in page(done, 4).texts)
    assert done.stderr.startswith("samemachine: ")


def test_hosts_that_are_gone_are_told(run: Run, uris: list[str]) -> None:
    done = run("report", *uris, "-c", NOWHERE)
    assert NOWHERE in page(done, 4).texts
    assert domains(page(done, 4)) == len(A) + len(B)


def test_two_hosts_are_chosen(run: Run, files: list[Path], uris: list[str]) -> None:
    told = page(run("report", *files, "--between", uris[3], uris[1])).texts
    (title,) = (text for text in told if text.startswith("0 machine types of domains on "))
    assert title.index(uris[3]) < title.index(uris[1])
    done = run("report", *files, "--between", uris[1], "nobody")
    assert done.returncode == 2
    assert "'nobody' is no host of this report; there are: " in done.stderr


def test_a_report_is_whole_or_not_there(run: Run, files: list[Path], tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    done = run("report", *files, "--output", place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert place.stat().st_mode & 0o777 == 0o600
    sound(place.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "is no audit: it is no JSON"), (b"\xff", "is no audit: it is no text"),
        (b'{"$schema": "urn:samemachine:schema:history:1"}', "give what 'samemachine audit"),
    ],
)  # fmt: skip
def test_what_is_no_audit(run: Run, tmp_path: Path, text: bytes, why: str) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(text)
    done = run("report", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


def test_a_host_of_many_domains(run: Run, host: Callable[[str, Rows], str]) -> None:
    rows: Rows = [(f"vm{at}", at % 10, "off", "") for at in range(9)]
    assert domains(page(run("report", "-c", host("many", rows)))) == len(rows)

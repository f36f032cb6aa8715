"""Pages of audit, report and plan in a real browser: no error, nobody shut out, no overflow.

axe-core (MPL-2.0, of the npm registry) is fetched once into the lab's cache, and is part of nothing
that we ship. Without chromium, or without both npm and that copy, these tests are skipped.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from host_agent.output import audit_page, plan_document, report_page
from host_agent.plan.facts import Plan
from tests.lab import cache, pace
from tests.unit.host_agent.output import test_plan
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, OFF, QUIET, WRONG, audit
from tests.unit.host_agent.output.test_audit_page import HOSTILE, hostile
from tests.unit.host_agent.output.test_for_machines import WARNED
from tests.unit.host_agent.shared import fleet, forty
from tests.unit.host_agent.shared.cases import COPY, case

AXE, SHA256 = "axe-core@4.10.3", "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
LIGHT, DARK = 1, 0
PAGES = {
    "a fleet": audit_page.render(
        [
            audit(GOOD, WARNED, WRONG, QUIET, OFF, FAILED, case(elsewhere=(COPY,))),
            replace(forty.audit(*(forty.moved(one) for one in range(1, 9)))),
        ],
        ["qemu+ssh://gone/system"],
        1,
    ),
    "hostile": audit_page.render(hostile(HOSTILE), [HOSTILE], 1),
    "nothing": audit_page.render([], ["qemu:///system"], 4),
    "a report": report_page.render(fleet.report(fleet.audits(), "qemu+ssh://gone/system")),
    "a hostile report": report_page.render(fleet.hostile(HOSTILE)),
    "an empty report": report_page.render(fleet.report([])),
    "a plan": plan_document.page(test_plan.PLAN),
    "a hostile plan": plan_document.page(test_plan.hostile()),
    "an empty plan": plan_document.page(Plan(hops=(), seconds=0.0)),
}


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: make system")
    return found


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    kept = cache.directory() / f"axe-core-{SHA256[:16]}.js"
    if not kept.exists():
        folder = tmp_path_factory.mktemp("axe")
        npm = shutil.which("npm")
        done = npm and subprocess.run(
            [npm, "pack", "--silent", AXE], cwd=folder, capture_output=True, check=False
        )
        if not done or done.returncode:
            pytest.skip("axe-core can't be had: npm, and a network once, are needed")
        (file,) = folder.glob("*.tgz")
        assert hashlib.sha256(file.read_bytes()).hexdigest() == SHA256
        with tarfile.open(file) as packed:
            found = packed.extractfile("package/axe.min.js")
            assert found is not None
            unfinished = folder / "axe.js"
            unfinished.write_bytes(found.read())
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(unfinished, kept.with_suffix(".unfinished"))
        kept.with_suffix(".unfinished").replace(kept)
    return kept.read_text(encoding="utf-8")


def browse(chromium: str, file: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [
            chromium,
            "--headless",
            # A container's root has no sandbox of its own; the pages are ours.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={file.parent / 'profile'}",
            "--enable-logging=stderr",
            *options,
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=pace.stretched(120),
    )
    assert done.returncode == 0, done.stderr
    return done


def console(done: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def told(chromium: str, page: str, folder: Path, script: str, *options: str) -> Any:
    """What a script says that is put into a copy of a page."""
    free = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", page)
    assert free != page
    say = "function say(what){document.body.innerHTML='';const p=document.createElement('pre');"
    say += "p.id='said';p.textContent=JSON.stringify(what);document.body.append(p)}"
    file = folder / "page.html"
    copy = free.replace("</body>", f"<script>{say}\n{script}</script></body>")
    file.write_text(copy, encoding="utf-8")
    done = browse(chromium, file, "--dump-dom", "--virtual-time-budget=60000", *options)
    (said,) = re.findall(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(unescape(said))


@pytest.mark.parametrize("name", PAGES)
def test_the_browser_has_nothing_to_say(chromium: str, tmp_path: Path, name: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGES[name], encoding="utf-8")
    done = browse(chromium, file, "--dump-dom")
    assert console(done) == []
    assert "<h1>" in done.stdout


OPENED = "for(const d of document.querySelectorAll('details'))d.open=true;"


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_shut_out(
    chromium: str, axe: str, tmp_path: Path, name: str, scheme: int
) -> None:
    run = "axe.run().then(r=>say(r.violations.map(v=>[v.id,v.nodes.map(n=>n.html)])))"
    violations = told(
        chromium,
        PAGES[name],
        tmp_path,
        f"{axe}\n{OPENED}{run}",
        f"--blink-settings=preferredColorScheme={scheme}",
    )
    assert violations == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_stands_out_at_the_side(
    chromium: str, tmp_path: Path, name: str, width: int
) -> None:
    frame = f'<iframe width="{width}" height="800" srcdoc="{escape(PAGES[name])}"></iframe>'
    free = '<meta http-equiv="Content-Security-Policy" content=""><body>' + frame + "</body>"
    script = (
        "const f=document.querySelector('iframe');f.onload=()=>{const d=f.contentDocument;"
        "for(const e of d.querySelectorAll('details'))e.open=true;"
        "say([d.documentElement.scrollWidth,d.documentElement.clientWidth])}"
    )
    scrolled, shown = told(chromium, free, tmp_path, script)
    assert scrolled <= shown

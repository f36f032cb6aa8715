"""One audit of real guests and of two hundred simulated domains, in every form.

What programs of others are to read is given to one of them, where it is installed: xmllint,
promtool, chromium. The documents of our own are held against their published schemas.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from tests import json_output
from tests.integration import test_page_in_a_browser as browser
from tests.lab import pace
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.unit.host_agent.output import test_audit_page as page
from tests.unit.host_agent.output import test_for_machines as for_machines

SIMULATED = 200


@pytest.fixture(scope="module")
def connections(host_a: Host, fleet: dict[str, Guest]) -> tuple[str, ...]:
    """The host with its guests, and libvirt's test driver."""
    assert len(fleet) == 3
    domains = "".join(
        f"<domain type='test'><name>simulated{number}</name><uuid>{UUID(int=number)}</uuid>"
        "<memory>8192</memory><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>"
        for number in range(1, SIMULATED + 1)
    )
    file = host_a.root / "tmp/node.xml"
    file.write_text(f"<node>{domains}</node>", encoding="utf-8")
    return ("-c", "qemu:///system", "-c", "test:///tmp/node.xml")


def outside(command: str, *arguments: str, given: str) -> None:
    """Give it to a program of somebody else's, where that is installed."""
    found = shutil.which(command)
    if found is None:
        return
    done = subprocess.run(
        [found, *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def as_json(text: str, folder: Path) -> int:
    return sum(len(host["domains"]) for host in json_output.read(text)["hosts"])


def as_lines(text: str, folder: Path) -> int:
    *lines, end = [json_output.read(line) for line in text.splitlines()]
    assert end["kind"] == "end"
    return len(lines)


def as_junit(text: str, folder: Path) -> int:
    outside("xmllint", "--noout", "-", given=text)
    root = for_machines.read(text)
    return len({(suite.get("name"), case.get("classname")) for suite in root for case in suite})


def as_metrics(text: str, folder: Path) -> int:
    outside("promtool", "check", "metrics", given=text)
    return len(re.findall("^samemachine_domain_info{", text, re.MULTILINE))


def as_page(text: str, folder: Path) -> int:
    found = page.Page(text)
    chromium = shutil.which("chromium")
    if chromium is not None:
        file = folder / "audit.html"
        file.write_text(text, encoding="utf-8")
        assert browser.console(browser.browse(chromium, file, "--dump-dom")) == []
    return sum(given.get("class") == "domain" for _, given in found.elements)


def as_plugin(text: str, folder: Path) -> int:
    (number,) = re.findall(r" unverified=[0-9]+;0;;0;([0-9]+) ", text.splitlines()[0])
    assert len(text) < 4096
    return int(number)


FORMS: Mapping[str, Callable[[str, Path], int]] = {
    "json": as_json, "jsonl": as_lines, "junit": as_junit, "prometheus": as_metrics,
    "html": as_page, "nagios": as_plugin,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_it_is_whole_in_every_form(
    host_a: Host, connections: tuple[str, ...], tmp_path: Path, form: str
) -> None:
    done = host_a.samemachine("audit", *connections, "--format", form, timeout=pace.stretched(120))
    # No guest is simulated: what can't be asked is not verified.
    assert done.returncode == 3, done.stderr
    assert FORMS[form](done.stdout, tmp_path) == SIMULATED + 3


def test_people_read_of_each_trouble_once(host_a: Host, connections: tuple[str, ...]) -> None:
    done = host_a.samemachine("audit", *connections, timeout=pace.stretched(120))
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) < 40
    assert f"unverified {SIMULATED}" in done.stdout


def test_what_was_asked_of_whom_is_told(host_a: Host, fleet: dict[str, Guest]) -> None:
    timeout = pace.stretched(120)
    done = host_a.samemachine("audit", "i440fx", "--debug", timeout=timeout)
    probed = host_a.samemachine("probe", "pc-q35-7.2", "--debug", timeout=timeout)
    lines = (done.stderr + probed.stderr).splitlines()
    told = [line for line in lines if line.startswith("samemachine: +")]
    for words in (
        r"qemu:///system: libvirt Hypervisor",
        r"i440fx: libvirt Domain\.look",
        r"i440fx: libvirt Domain\._peek",
        r"i440fx: guest agent by \w+",
        r"QEMU /usr/bin/qemu-system-x86_64 pc-q35-7\.2",
    ):
        assert any(re.search(rf"  {words}.*  [0-9.]+ ms$", line) for line in told), told
    # Of what was answered nothing is there.
    assert fleet["i440fx"].run("cat", "/proc/sys/kernel/random/boot_id").strip() not in done.stderr

"""Two hosts that show one machine type differently, found in a fleet's memory without a move."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import json_output
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.processes import until
from tests.lab.test_upgrade import bare_xml, uuid

_NAME, _MACHINE = "alike", "pc-q35-9.2"
# A file may be a fleet's memory; the lab's hosts share none, so one has it after the other.
_MEMORY = "root/fleet.sqlite"


@pytest.fixture
def hosts(lab: Lab) -> Iterator[tuple[Host, Host]]:
    """Debian 13 and the one after it, each with a domain of firmware alone, of one definition."""
    found = lab.host("hostb"), lab.host("hoste")
    for host in found:
        xml = bare_xml(_NAME, _MACHINE).replace(uuid(_NAME), uuid(f"{_NAME} on {host.name}"))
        host.run("virsh", "define", "/dev/stdin", text_input=xml)
        host.virsh("start", _NAME)
    yield found
    for host in found:
        host.virsh("destroy", _NAME)
        host.virsh("undefine", _NAME)
        for file in (host.root / _MEMORY).parent.glob(f"{Path(_MEMORY).name}*"):
            file.unlink()


def fleet(host: Host, *question: str) -> dict[str, Any]:
    """Return the answer; nothing where no host has told anything yet."""
    done = host.samemachine("fleet", *question, "--fleet", f"/{_MEMORY}", "--format", "json")
    return json_output.read(done.stdout) if done.returncode == 0 else {}


def told(host: Host) -> None:
    """Have the host's daemon tell of its domain."""

    def there() -> list[dict[str, Any]]:
        return list(fleet(host, "status", _NAME).get("domains", ()))

    words = "serve", "--ledger", "/root/ledger.sqlite", "--fleet", f"/{_MEMORY}"
    with (host.root / "root/fleet.log").open("w") as log:
        process = host.popen(*host.samemachine_command(*words), stdout=log, stderr=log)
    try:
        until(lambda: host.name in {one["host"] for one in there()})
    finally:
        process.kill()
        process.wait()


def test_acpi_alone_tells_two_hosts_apart(hosts: tuple[Host, Host]) -> None:
    older, newer = hosts
    told(older)
    assert fleet(older, "same-name")["machines"] == []
    for file in (older.root / _MEMORY).parent.glob(f"{Path(_MEMORY).name}*"):
        shutil.copy(file, newer.root / "root")
    told(newer)
    (machine,) = fleet(newer, "same-name")["machines"]
    assert machine["machine"] == _MACHINE
    usual, other = machine["variants"]
    assert {usual["host"], other["host"]} == {"hostb", "hoste"}
    # QEMU 10.0 and 11.1 write the same SMBIOS tables for it.
    assert {one["area"] for one in other["differences"]} == {"ACPI"}
    assert "DSDT" in {one["subject"] for one in other["differences"]}

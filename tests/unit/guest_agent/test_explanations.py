"""Every field of a report is explained, and the host hashes what the guest calls an identifier."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guest_agent import cli, explanations
from guest_agent.evidence import NAMES, OPT_IN
from host_agent.evidence import identifiers
from samemachine.v1 import guest_pb2
from tests import smbios_builder


def fields(descriptor: Any, before: str = "") -> Iterator[str]:
    for field in descriptor.fields:
        kind = field.message_type
        if kind is None or kind.GetOptions().map_entry:
            yield f"{before}{field.name}"
        else:
            yield from fields(kind, f"{before}{field.name}.")


def explained() -> dict[str, explanations.Explanation]:
    rows = [*explanations.report()]
    for group in explanations.groups():
        rows += group.fields
    return {row.field: row for row in rows}


def test_every_field_of_the_contract_is_explained() -> None:
    assert set(explained()) == set(fields(guest_pb2.Report.DESCRIPTOR))
    assert [group.group for group in explanations.groups()] == list(NAMES)
    assert all(row.source and row.purpose for row in explained().values())


def filled(name: str) -> guest_pb2.Report:
    """A report in which every text field, and one other, has a text that is like no other."""
    found = guest_pb2.Report()
    message: Any = found
    *path, last = name.split(".")
    for step in path:
        message = getattr(message, step)
        if hasattr(message, "add"):
            message = message.add()
    field = message.DESCRIPTOR.fields_by_name[last]
    if last == "sysinfo":
        message.sysinfo["Sequence Code"] = "525400aa1002"
    elif last == "tables":
        serial = smbios_builder.structure(1, 1, b"\0\0\0\1" + bytes(19), "525400aa1002")
        message.tables = serial + smbios_builder.structure(127, 2, b"")
    elif field.type == field.TYPE_STRING and isinstance(getattr(message, last), str):
        if last == "name" and "interfaces" in path:
            message.mac = "52:54:00:aa:10:02"
        setattr(message, last, "525400aa1002")
    return found


def test_the_host_hashes_what_is_called_an_identifier() -> None:
    for name, row in explained().items():
        raw = filled(name).SerializeToString()
        kept = identifiers.changed(raw, identifiers.hider(b"s" * 16))
        clear = b"525400aa1002" in kept
        if row.identifier:
            assert not clear, name
            assert raw
        else:
            assert clear is (b"525400aa1002" in raw), name


def test_it_is_printed_and_nothing_is_read(tmp_path: Path) -> None:
    file = tmp_path / "guest.conf"
    file.write_text("[guest]\ngroups-off = network, block\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "guest_agent", "report", "--explain", "--config", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    (mac,) = (line for line in lines if line.startswith("  network.interfaces.mac "))
    assert mac.endswith("IDENTIFIER")
    assert sum(line.endswith("(OFF: never read)") for line in lines) == 4
    assert "opt/ in fw_cfg" in done.stdout


def test_what_is_switched_off_is_no_error_of_check(tmp_path: Path) -> None:
    file = tmp_path / "guest.conf"
    file.write_text(f"[guest]\ngroups-off = {', '.join(NAMES)}\n", encoding="utf-8")
    for arguments, wrong in (((), False), (("--require", "boot"), True)):
        done = subprocess.run(
            [sys.executable, "-m", "guest_agent", "check", "--config", str(file), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        off = len(NAMES) - len(OPT_IN)
        assert done.stdout.count("off: switched off by the guest's administrator") == off
        assert done.stdout.count("off: given only where") == len(OPT_IN)
        # Without a requirement only the port is missing here.
        assert ("port            absent" in done.stdout) or done.returncode == wrong
        assert not wrong or done.returncode == 1
    assert "explain" in cli.EXAMPLES["report"]

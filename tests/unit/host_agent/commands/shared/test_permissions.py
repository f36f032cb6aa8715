"""The table of rights: every command, what the options say of it, and fresh documentation."""

import argparse
import re
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from guest_agent import cli as guest_cli
from host_agent.commands.shared import permissions
from host_agent.commands.shared.permissions import GUEST, HOST, Demand, Permission, Right
from host_agent.domain.virtio_serial import CHANNEL, parse
from tests.commands import COMMANDS

PACKAGING = Path(__file__).resolve().parents[5] / "packaging"
ROWS = {row.command: row for row in HOST}


def options(command: str) -> set[str]:
    return {str(parameter.name) for parameter in COMMANDS[command].params}


def test_every_command_has_one_row() -> None:
    assert sorted(row.command for row in HOST) == sorted(COMMANDS)
    (commands,) = (
        action
        for action in guest_cli.argument_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    assert sorted(row.command for row in GUEST) == sorted(commands.choices)


@pytest.mark.parametrize("row", HOST, ids=lambda row: row.command)
def test_a_row_fits_the_commands_options(row: Permission) -> None:
    there = options(row.command)
    # Who takes a connection needs one.
    assert bool(there & {"uri", "uris"}) is (row.read_only is not Demand.NONE)
    # Who keeps evidence can be told how to keep identifiers.
    assert ("clear_identifiers" in there) is ("the ledger, identifiers" in row.changes)
    # Who asks before it changes something needs to be allowed to.
    if "yes" in there:
        assert row.read_write is Demand.NEEDED
    if row.read_write is not Demand.NONE:
        assert row.read_only is Demand.NEEDED
    # Who may ask a guest is told how long that may take, or waits for it.
    if row.leaves != "nothing":
        assert there & {"timeout", "wait", "boot_wait", "probe"}


def test_every_right_is_explained() -> None:
    assert [right for right, _ in permissions.WITHOUT] == list(Right)


def test_the_documentation_is_fresh() -> None:
    written = (PACKAGING / "permissions.md").read_text(encoding="utf-8")
    assert written == "\n".join(permissions.markdown()) + "\n", "run packaging/make-permissions"
    for command in COMMANDS:
        assert f"| `{command}` |" in written


# The samples beside it.


def test_the_snippet_is_what_enroll_adds() -> None:
    snippet = (PACKAGING / "libvirt/channel.xml").read_text(encoding="utf-8")
    wanted, given = (
        etree.tostring(etree.fromstring(text), method="c14n2", strip_text=True, with_comments=False)
        for text in (CHANNEL, snippet)
    )
    assert wanted == given
    controller = (PACKAGING / "libvirt/controller.xml").read_text(encoding="utf-8")
    assert parse(f"<domain><devices>{controller}</devices></domain>").has_room


def test_the_polkit_rules_name_permissions_in_libvirts_form() -> None:
    text = (PACKAGING / "libvirt/50-samemachine.rules").read_text(encoding="utf-8")
    names = re.findall(r'"(org\.libvirt\.[^"]*)"', text)
    assert len(names) == 9
    for name in names:
        assert re.fullmatch(r"org\.libvirt\.(unix|api\.(connect|domain))\.[a-z-]+", name)
    # Nothing of these lets anybody change a domain.
    assert not any(name.endswith((".write", ".save")) for name in names if ".domain." in name)
    assert text.count("{") == text.count("}")


def hook(tmp_path: Path, *arguments: str, systemd_run: str | None) -> str:
    """Run the hook with a systemd-run of ours; returns what that was given."""
    told = tmp_path / "told"
    told.write_text("", encoding="utf-8")
    if systemd_run is not None:
        fake = tmp_path / "systemd-run"
        fake.write_text(f"#!/bin/sh\n{systemd_run}\n", encoding="utf-8")
        fake.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(PACKAGING / "libvirt/hook-qemu"), *arguments],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin" if systemd_run else "/usr/bin:/bin",
            "TOLD": str(told),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        input="<domain/>" * 99999,
    )
    # A migration would take what it prints for the domain's XML, and its failure for a veto.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return told.read_text(encoding="utf-8")


def test_the_hook_hands_on_and_ends(tmp_path: Path) -> None:
    record = 'printf "%s\\n" "$@" >"$TOLD"'
    given = hook(tmp_path, "-vm 1", "started", "begin", "-", systemd_run=record)
    assert given.splitlines()[-6:] == ["samemachine", "verify", "--wait", "300", "--", "-vm 1"]
    assert "--no-block" in given
    for other in (("vm1", "stopped", "end", "-"), ("vm1", "migrate", "begin", "-"), ("vm1",), ()):
        assert hook(tmp_path, *other, systemd_run=record) == ""


@pytest.mark.parametrize("systemd_run", ["exit 1", "sleep 600", "echo hello; kill $$"])
def test_the_hook_harms_nothing(tmp_path: Path, systemd_run: str) -> None:
    hook(tmp_path, "vm1", "started", "begin", "-", systemd_run=systemd_run)


def test_no_command_of_libvirts_is_in_the_hook() -> None:
    text = (PACKAGING / "libvirt/hook-qemu").read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not re.search(r"virsh|virt-|libvirt", "\n".join(code))
    # samemachine itself runs in a unit of its own, never in the hook.
    (line,) = (line for line in code if "samemachine" in line)
    assert line.strip().startswith("samemachine verify")

"""Imports go one way, and each foreign library is imported in one place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

# Lowest first. A module may import from its own layer and from those below it.
LAYERS = {
    "words": {
        "__init__", "domain_event", "errors", "hardware", "migration", "missing", "model",
        "printable", "surroundings",
    },
    "pure": {
        "acpi", "alike", "architectures", "atlas", "atlas_diff", "baseline", "baseline_choice",
        "capabilities", "catalogue", "checks", "decode", "decode_hardware", "decoded",
        "device_tree", "distribution", "domain_capabilities", "domain_devices", "domain_elements",
        "domain_xml", "doubles", "effects", "enrollment", "expectation", "fingerprint",
        "fingerprint_diff", "firmware_images", "foreseen", "forgetting", "fw_cfg", "guard",
        "identifiers", "kept_evidence", "known_changes", "last_boot", "ledger_entry",
        "machine_types", "manual", "memory_blocks", "move", "noise", "occasion", "output", "owner",
        "permissions", "plan_answer", "plan_checks", "plan_facts", "plan_outline", "plan_pool",
        "preflight", "probe_options", "raising", "reactions", "recognition", "refusals", "releases",
        "report_bounds", "schedule", "smbios", "smbios_diff", "smbios_fields", "snapshots",
        "start_options", "story", "tags", "targets", "times", "type_list", "type_policy",
        "untrusted_text", "untrusted_xml", "upgrade_preflight", "upgrade_record", "upgrade_steps",
        "upgrade_xml", "verdict", "virtio_serial", "waivers", "window",
    },
    "alone": {"bounded", "enter_root", "inside_root", "side_by_side", "whole_file"},
    "io": {
        "atlas_file", "booted_memory", "channel", "config", "default_uri", "destination",
        "dialling", "disassembly", "domain_probe", "fingerprint_store", "gather", "given_file",
        "guest_link", "hypervisor", "journal", "ledger", "ledger_postgresql", "ledger_sqlite",
        "opened_channels", "packages", "plan_atlases", "plan_hop", "plan_sources", "plan_subject",
        "predictions", "probe", "qemu_binary", "qemu_process", "qemu_session", "release_data",
        "selection", "service_manager", "shared_storage", "sites", "staged", "upgrade_journal",
        "upgrade_run", "upgrade_survey", "verifier", "whereabouts",
    },
    "jobs": {
        "audit", "daemon", "enroll", "forget", "migrate", "plan", "survey", "type_survey",
        "upgrade", "verify", "why",
    },
    "top": {"__main__", "cli", "commands"},
}  # fmt: skip
ORDER = list(LAYERS)
OF = {module: layer for layer, modules in LAYERS.items() for module in modules}
IMPURE = {"os", "subprocess", "socket", "threading", "select", "tempfile", "shutil", "time"}
ONLY_IN = {
    "libvirt": {"hypervisor"}, "libvirt_qemu": {"hypervisor"},
    "grpc": {"guest_link"}, "click": {"cli", "commands"}, "elftools": {"qemu_binary"},
    "distro_info": {"release_data"}, "jinja2": {"output"},
    "sqlalchemy": {"ledger", "ledger_postgresql", "ledger_sqlite"},
}  # fmt: skip


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def host_modules() -> list[Path]:
    return sorted((CHECKOUT / "host_agent").rglob("*.py"))


def module_of(name: str) -> str | None:
    """The first name below host_agent, where it is a module of ours."""
    parts = name.split(".")
    return parts[1] if parts[0] == "host_agent" and len(parts) > 1 and parts[1] in OF else None


def module(file: Path) -> str:
    parts = file.relative_to(CHECKOUT / "host_agent").parts
    return parts[0].removesuffix(".py")


def test_every_module_has_a_layer() -> None:
    assert {module(file) for file in host_modules()} == set(OF)


@pytest.mark.parametrize("file", host_modules(), ids=lambda file: file.stem)
def test_imports_go_down(file: Path) -> None:
    mine = OF[module(file)]
    for name in imports(file):
        top = name.split(".")[0]
        assert top != "guest_agent", f"{file} imports {name}"
        if top in ONLY_IN:
            assert module(file) in ONLY_IN[top], f"only {ONLY_IN[top]} may import {top}"
        if mine in {"words", "pure"}:
            assert top not in IMPURE, f"{file} is pure and imports {name}"
        target = module_of(name)
        if target is not None and target != "__init__":
            assert ORDER.index(OF[target]) <= ORDER.index(mine), f"{file} imports {name}"


def test_the_model_imports_words_only() -> None:
    names = set(imports(CHECKOUT / "host_agent" / "model.py"))
    ours = {name for name in names if name.split(".")[0] in {"host_agent", "samemachine"}}
    assert {module_of(name) for name in ours} == {"hardware", "missing", "surroundings"}


def test_jobs_are_imported_by_the_command_line_only() -> None:
    for file in host_modules():
        if OF[module(file)] != "top":
            for name in imports(file):
                assert OF.get(module_of(name) or "") != "jobs" or module_of(name) == module(file)


@pytest.mark.parametrize("folder", ["guest_agent", "proto/samemachine"])
def test_the_guest_side_knows_no_host(folder: str) -> None:
    allowed = {"guest_agent", "samemachine"} if folder == "guest_agent" else {"samemachine"}
    for file in (CHECKOUT / folder).rglob("*.py"):
        ours = {name.split(".")[0] for name in imports(file)} & {
            "guest_agent",
            "host_agent",
            "samemachine",
        }
        assert ours <= allowed, f"{file} imports {ours}"


def test_the_resident_process_imports_no_grpc() -> None:
    program = """
import sys
import guest_agent.cli, guest_agent.server, guest_agent.virtio_port, guest_agent.worker_process
heavy = [name for name in sys.modules if name.split(".")[0] in ("grpc", "google")]
sys.exit(" ".join(heavy) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_command_line_loads_no_database_until_it_is_asked_for_one() -> None:
    """SQLAlchemy would double the time that every command takes to start."""
    program = """
import sys
import host_agent.cli
sys.exit(" ".join({"sqlalchemy", "psycopg", "sqlite3"} & set(sys.modules)) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

"""Imports go one way, and each foreign library is imported in one place.

Each folder of host_agent has a row: what it may import, and which of its modules ask or write.
The others are pure: they do no I/O, and import nothing that does.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a folder may import beside the ground, and its modules that do I/O ("*": all)."""

    imports: str = ""
    asks: str = ""

    @property
    def may(self) -> set[str]:
        return set(self.imports.split())


# Lowest first: a folder may import only what stands above it, so there is no circle.
FOLDERS = {
    "hosts": Row(asks="ansible_inventory children inventory_file run_journal spawner"),
    "domain": Row(),
    "firmware": Row(asks="acpi_code"),
    "atlas": Row(imports="domain firmware", asks="code files predictions"),
    "hypervisor": Row(imports="domain", asks="*"),
    "evidence": Row(imports="domain firmware"),
    "machine_types": Row(
        imports="domain atlas hypervisor", asks="host_types of_release packages release_dates"
    ),
    "guest": Row(
        imports="domain firmware hypervisor evidence",
        asks="booted_acpi booted_tables dialler enroll link low_memory opened_channels ways",
    ),
    "qemu": Row(
        imports="domain firmware atlas hypervisor evidence machine_types",
        asks=(
            "atlas_probe binary boot_disks carried_firmware carried_roms cpu_reader disk_heads "
            "default_processor disk_reader domain_probe domain_rehearsal domain_tpm enter_root "
            "firmware_files fresh_tpm fw_cfg_reader image_tool kept_files left_places machine_list "
            "measured_boot memory_reader nvram_decoder nvram_decoding nvram_file pci_reader probe "
            "probe_store process rehearsal rehearsal_store session tpm_states variable_store "
            "virtio_reader vmstate_dump written_files"
        ),
    ),
    "case": Row(
        imports="domain firmware hypervisor evidence machine_types guest qemu",
        asks="disk_partitions gather rehearsing telling uefi_stores whereabouts",
    ),
    "checks": Row(imports="domain firmware evidence machine_types case"),
    "records": Row(
        imports="domain firmware hypervisor evidence case",
        asks=(
            "databases forget ledger patient_ledger postgresql raised sqlite staged "
            "systemd_journal upgrade_folder upgrade_journal"
        ),
    ),
    "fleet": Row(
        imports="firmware evidence machine_types qemu case records",
        asks="answers memory sender spool tables teller",
    ),
    "verify": Row(
        imports=(
            "domain firmware atlas hypervisor evidence machine_types guest qemu case checks "
            "records fleet"
        ),
        asks="audit board one_domain rehearse serve service_manager verifier verify watch why",
    ),
    "migrate": Row(
        imports="domain firmware atlas hypervisor evidence machine_types qemu case",
        asks="destination migrate rehearsal shared_storage states",
    ),
    "plan": Row(
        imports="domain firmware atlas hypervisor evidence machine_types qemu case migrate",
        asks="atlases hop plan sites sources subject",
    ),
    "upgrade": Row(
        imports=(
            "domain firmware hypervisor evidence machine_types guest qemu case records verify"
        ),
        asks="look run upgrade",
    ),
    "output": Row(
        imports=(
            "domain firmware atlas evidence machine_types guest case records fleet verify migrate "
            "plan upgrade"
        )
    ),
    "commands": Row(
        imports=(
            "hosts domain atlas hypervisor machine_types guest qemu case records fleet verify "
            "migrate plan upgrade output"
        ),
        asks=(
            "audit check_config checks diff enroll fleet forget history migrate path plan probe "
            "rehearse report schema serve shared.atlases shared.audit_run shared.audited_hosts "
            "shared.completion shared.config shared.configured shared.console shared.default_uri "
            "shared.fleets shared.hosts shared.ledgers shared.loudness shared.metrics "
            "shared.options shared.rehearsed_qemu shared.side_by_side_hosts shared.telling "
            "shared.verified_hosts shared.waiver_files types upgrade verify watch why"
        ),
    ),
}
# What everybody may import; it imports nothing but itself.
GROUND = {
    "asked",
    "bounded",
    "difference",
    "errors",
    "finding",
    "given_file",
    "guard",
    "inside_root",
    "missing",
    "printable",
    "side_by_side",
    "times",
    "untrusted_text",
    "untrusted_xml",
    "uris",
    "whole_file",
}
GROUND_ASKS = {"asked", "bounded", "given_file", "inside_root", "side_by_side", "whole_file"}
# It is imported by nobody, and opens the commands.
DOOR = {"__init__", "__main__", "cli"}
DOOR_IMPORTS = {"commands", "output"}
# What a command does: nothing else imports it.
JOBS = {
    "guest.enroll",
    "machine_types.host_types",
    "migrate.migrate",
    "plan.plan",
    "qemu.atlas_probe",
    "records.forget",
    "upgrade.upgrade",
    "verify.audit",
    "verify.rehearse",
    "verify.serve",
    "verify.verify",
    "verify.watch",
    "verify.why",
}
IMPURE = {"os", "select", "shutil", "socket", "subprocess", "tempfile", "threading", "time"}
ONLY_IN = {
    "libvirt": {"hypervisor"},
    "libvirt_qemu": {"hypervisor"},
    "grpc": {"guest.link"},
    "click": {"cli", "commands"},
    "elftools": {"qemu.binary"},
    "distro_info": {"machine_types.release_dates"},
    "virt": {"qemu.nvram_decoding"},
    "jinja2": {"output.shared.pages"},
    "prometheus_client": {"commands.shared.metrics", "output.prometheus"},
    "sqlalchemy": {
        "fleet.answers",
        "fleet.memory",
        "fleet.spool",
        "fleet.tables",
        "records.databases",
        "records.ledger",
        "records.postgresql",
        "records.sqlite",
    },
}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module(file: Path) -> str:
    """Its name below host_agent, dotted: ``case.gather``; that of a folder for its __init__."""
    parts = file.relative_to(CHECKOUT / "host_agent").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {
    module(file): set(imports(file)) for file in sorted((CHECKOUT / "host_agent").rglob("*.py"))
}


def ours(name: str) -> set[str]:
    """The modules of host_agent that a module imports."""
    found = {one.removeprefix("host_agent.") for one in MODULES[name]}
    return {one for one in found if one in MODULES} - {"__init__", name}


def folder(name: str) -> str:
    """The folder that a module lies in; empty: none."""
    top = name.partition(".")[0]
    return top if top in FOLDERS else ""


def asks(name: str) -> bool:
    """Whether a module does I/O, by its row."""
    lies_in, _, rest = name.partition(".")
    if lies_in not in FOLDERS:
        return name not in GROUND or name in GROUND_ASKS
    named = FOLDERS[lies_in].asks.split()
    return named == ["*"] or rest in named


def test_every_module_has_a_row() -> None:
    lying = {name for name in MODULES if not folder(name)}
    assert lying == GROUND | DOOR
    folders = {file.name for file in (CHECKOUT / "host_agent").iterdir() if file.is_dir()}
    assert folders - {"data", "__pycache__"} == set(FOLDERS)


def test_every_name_in_a_row_is_a_module() -> None:
    for lies_in, row in FOLDERS.items():
        for name in row.asks.split():
            assert name == "*" or f"{lies_in}.{name}" in MODULES, f"{lies_in} has no {name}"
    assert GROUND_ASKS <= GROUND
    assert {job for job in JOBS if job not in MODULES} == set()


def test_rows_import_what_stands_above_them() -> None:
    above: set[str] = set()
    for lies_in, row in FOLDERS.items():
        assert row.may <= above, f"{lies_in}: {row.may - above} stands below"
        above.add(lies_in)


@pytest.mark.parametrize("name", MODULES)
def test_imports_are_those_of_the_row(name: str) -> None:
    lies_in = folder(name)
    may = FOLDERS[lies_in].may | {lies_in} if lies_in else DOOR_IMPORTS if name in DOOR else set()
    for one in MODULES[name]:
        assert one.partition(".")[0] != "guest_agent", f"{name} imports {one}"
    for one in ours(name):
        if name in DOOR and one in DOOR:
            continue
        assert one in GROUND or folder(one) in may, f"{name} imports {one}"


@pytest.mark.parametrize("name", [name for name in MODULES if not asks(name)])
def test_what_is_pure_does_no_io(name: str) -> None:
    for one in MODULES[name]:
        assert one.partition(".")[0] not in IMPURE, f"{name} is pure and imports {one}"
    for one in ours(name):
        assert one in FOLDERS or not asks(one), f"{name} is pure and imports {one}"


def test_every_import_of_a_row_is_used() -> None:
    for lies_in, row in FOLDERS.items():
        used = {folder(one) for name in MODULES if folder(name) == lies_in for one in ours(name)}
        assert row.may <= used, f"{lies_in} imports nothing of {row.may - used}"


def test_what_is_shared_needs_nothing_of_who_shares_it() -> None:
    for name in MODULES:
        if ".shared." in name:
            for one in ours(name):
                assert folder(one) != folder(name) or ".shared" in one, f"{name} imports {one}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_foreign_library_is_imported_in_one_place(library: str) -> None:
    users = {
        name
        for name, found in MODULES.items()
        if any(one.partition(".")[0] == library for one in found)
    }
    places = ONLY_IN[library]
    assert {name for name in users if not {name, folder(name)} & places} == set()


def test_a_command_decides_no_exit_code() -> None:
    """Its output does, in ``exit_code``: a command may say that it is done or could not begin."""
    judging = {f"host_agent.output.shared.exit_codes.{word}" for word in ("MISMATCH", "UNVERIFIED")}
    assert {name for name in MODULES if folder(name) == "commands" and MODULES[name] & judging} == (
        set()
    )


def test_jobs_are_imported_by_commands_only() -> None:
    for name in MODULES:
        if folder(name) != "commands" and name not in DOOR:
            assert not ours(name) & JOBS - {name}, f"{name} imports {ours(name) & JOBS}"


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


def private(file: Path) -> Iterator[str]:
    """Yield what a module uses of another one of ours that is that one's alone."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    taken = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
            taken |= {alias.asname or alias.name for alias in node.names}
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    if PACKAGES["tests"] in file.parents:
        # A test may look into what it tests.
        return
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if name in taken and attribute not in NAMED_TUPLES:
                    yield f"{name}.{attribute}"


NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}
PACKAGES = {
    "host_agent": CHECKOUT / "host_agent",
    "guest_agent": CHECKOUT / "guest_agent",
    "samemachine": CHECKOUT / "proto/samemachine",
    "tests": CHECKOUT / "tests",
}


def test_what_is_private_stays_in_its_module() -> None:
    found = {
        f"{file.relative_to(CHECKOUT)} uses {name}"
        for package in PACKAGES.values()
        for file in package.rglob("*.py")
        for name in private(file)
        if re.search(r"\._(?!_)\w", name)
    }
    assert found == set()

"""Group ``dmi``: what the dmidecode tool decodes, else what the kernel shows in sysfs."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import dmidecode

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.files import read_text
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_TABLES = "/sys/firmware/dmi/tables/DMI"
_SYSFS = "/sys/class/dmi/id"
_TIMEOUT = 10.0
_UNSET = {"", "not specified", "not provided", "<bad index>"}

# field of the contract ← structure and key as dmidecode prints them, file in /sys/class/dmi/id
# (cloud-init and systemd use the same pairs; DSP0134 clauses stand in guest.proto)
_FIELDS = (
    ("system_manufacturer",  "system",    "Manufacturer",  "sys_vendor"),
    ("system_product",       "system",    "Product Name",  "product_name"),
    ("system_version",       "system",    "Version",       "product_version"),
    ("system_serial",        "system",    "Serial Number", "product_serial"),
    ("system_uuid",          "system",    "UUID",          "product_uuid"),
    ("system_sku",           "system",    "SKU Number",    "product_sku"),
    ("system_family",        "system",    "Family",        "product_family"),
    ("chassis_manufacturer", "chassis",   "Manufacturer",  "chassis_vendor"),
    ("chassis_version",      "chassis",   "Version",       "chassis_version"),
    ("processor_version",    "processor", "Version",       None),
    ("bios_vendor",          "bios",      "Vendor",        "bios_vendor"),
    ("bios_version",         "bios",      "Version",       "bios_version"),
    ("bios_date",            "bios",      "Release Date",  "bios_date"),
)  # fmt: skip


def parse(output: str) -> guest_pb2.Dmi:
    """Return the group from dmidecode's output (dmidecode(8)), the first structure of each type.

    Raises ``EvidenceError`` where the output is not dmidecode's.
    """
    structures: dict[str, Mapping[str, object]] = {}
    try:
        for kind, fields in dmidecode.parse_dmi(_flat(output)):
            structures.setdefault(kind, fields)
    except (ValueError, KeyError, IndexError, StopIteration, AttributeError, NameError) as error:
        # The parser takes well-formed output for granted.
        raise EvidenceError(
            AbsenceReason.FAILED, f"dmidecode's output can't be parsed: {error!r}"
        ) from error
    if "system" not in structures:
        raise EvidenceError(AbsenceReason.FAILED, "dmidecode printed no system structure")
    values = {}
    for field, kind, key, _ in _FIELDS:
        value = structures.get(kind, {}).get(key)
        # The parser makes a list of a field without a value, such as a string of spaces.
        values[field] = value if isinstance(value, str) else ""
    return _message(values, guest_pb2.DMI_SOURCE_DMIDECODE)


def _flat(output: str) -> str:
    """Return the output without its lists, and without what is no field of a structure.

    The parser takes a list's lines for those of a field without a value, but dmidecode also counts
    before it lists (``Contained Elements: 1``), and prints words alone (``<TRUNCATED>``). No field
    of ours is a list.
    """
    return "\n".join(
        line
        for line in output.split("\n")
        if not line.startswith("\t") or (":" in line and not line.startswith("\t\t"))
    )


def parse_sysfs(files: Mapping[str, str]) -> guest_pb2.Dmi:
    """Return the group from the files of ``/sys/class/dmi/id``, name → content.

    Linux ``drivers/firmware/dmi-id.c``: a file exists only where the firmware gave the string.
    """
    values = {field: files.get(name, "") for field, _, _, name in _FIELDS if name}
    return _message(values, guest_pb2.DMI_SOURCE_SYSFS)


def _message(values: Mapping[str, str], source: "guest_pb2.DmiSource") -> guest_pb2.Dmi:
    cleaned = {field: clean(value) for field, value in values.items()}
    kept = {field: value for field, value in cleaned.items() if value.lower() not in _UNSET}
    if "system_uuid" in kept:
        kept["system_uuid"] = kept["system_uuid"].lower()
    return guest_pb2.Dmi(source=source, **kept)


def read(root: Path = Path("/")) -> guest_pb2.Dmi:
    """Read the group with dmidecode, or from sysfs where the tool or the right is missing.

    Raises ``EvidenceError`` where neither has anything: absent on machines without SMBIOS.
    """
    try:
        return parse(_dmidecode(root))
    except EvidenceError:
        files = _sysfs(root)
        if not files:
            raise EvidenceError(
                AbsenceReason.ABSENT, f"no DMI: {_TABLES} and {_SYSFS} are not there"
            ) from None
        return parse_sysfs(files)


def _dmidecode(root: Path) -> str:
    """Run the tool on the tables as the kernel keeps them; never on /dev/mem."""
    tables = read_text(root, _TABLES)
    del tables  # only to tell in our own words that it may not be read
    command = ["dmidecode"]
    if root != Path("/"):
        raise EvidenceError(AbsenceReason.UNSUPPORTED, "dmidecode reads the running system only")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise EvidenceError(AbsenceReason.ABSENT, "dmidecode is not installed") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise EvidenceError(AbsenceReason.FAILED, f"dmidecode failed: {error}") from error
    return done.stdout.decode("utf-8", "replace")


def _sysfs(root: Path) -> "dict[str, str]":
    files = {}
    for _, _, _, name in _FIELDS:
        if name is None:
            continue
        try:
            files[name] = read_text(root, f"{_SYSFS}/{name}")
        except EvidenceError:
            continue
    return files

"""What each field of a report is for, where it comes from, and whether it identifies a thing.

For the administrator of a guest, who may switch any group off. Units and forms stand in
``samemachine/v1/guest.proto``. What is marked as an identifier the host keeps as a salted hash
only, unless its operator asks otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from guest_agent.evidence import OPT_IN


@dataclass(frozen=True)
class Explanation:
    """One field."""

    field: str
    """With the names of the messages it is in, as in the report's JSON."""
    source: str
    purpose: str
    identifier: bool = False


@dataclass(frozen=True)
class GroupExplanation:
    """One group of evidence."""

    group: str
    purpose: str
    fields: "tuple[Explanation, ...]"


_ID = True
# field, where it is read, what the host does with it; a fourth column marks an identifier
_ROWS: "tuple[tuple[str, str, tuple[tuple[object, ...], ...]], ...]" = (
    ("boot", "tells a live migration from a reboot", (
        ("boot_id", "/proc/sys/kernel/random/boot_id", "the same after a move, new after a boot"),
        ("boot_time_seconds", "/proc/stat", "how long the guest has been up"),
        ("kernel_release", "uname -r", "another kernel explains other names and flags"),
        ("architecture", "uname -m", "which evidence there can be"),
    )),
    ("dmi", "what inventory tools in the guest read of the machine", (
        ("source", "which of the two was read", "how far to trust the rest"),
        ("system_manufacturer", "dmidecode, or /sys/class/dmi/id", "compared with QEMU's"),
        ("system_product", "dmidecode, or /sys/class/dmi/id", "compared with QEMU's"),
        ("system_version", "dmidecode, or /sys/class/dmi/id", "the machine type"),
        ("system_serial", "dmidecode, or /sys/class/dmi/id", "licences hang on it", _ID),
        ("system_uuid", "dmidecode, or /sys/class/dmi/id", "must be libvirt's UUID of the domain"),
        ("system_sku", "dmidecode, or /sys/class/dmi/id", "provisioning tools go by it"),
        ("system_family", "dmidecode, or /sys/class/dmi/id", "provisioning tools go by it"),
        ("chassis_manufacturer", "dmidecode, or /sys/class/dmi/id", "compared with QEMU's"),
        ("chassis_version", "dmidecode, or /sys/class/dmi/id", "the machine type"),
        ("processor_version", "dmidecode", "the machine type"),
        ("bios_vendor", "dmidecode, or /sys/class/dmi/id", "which firmware booted"),
        ("bios_version", "dmidecode, or /sys/class/dmi/id", "which firmware booted"),
        ("bios_date", "dmidecode, or /sys/class/dmi/id", "which firmware booted"),
    )),
    ("smbios_booted", "byte for byte what the guest booted as", (
        ("entry_point", "/sys/firmware/dmi/tables/smbios_entry_point", "version of the tables"),
        ("tables", "/sys/firmware/dmi/tables/DMI", "compared with the baseline; its serial "
         "numbers, asset tags and system credentials", _ID),
        ("source", "the file that was read", "which of the views it is"),
    )),
    ("smbios_live", "byte for byte what the QEMU under the guest serves now", (
        ("entry_point", "qemu_fw_cfg/by_name/etc/smbios/smbios-anchor", "version of the tables"),
        ("tables", "qemu_fw_cfg/by_name/etc/smbios/smbios-tables", "compared with what QEMU "
         "builds; its serial numbers, asset tags and system credentials", _ID),
        ("source", "the file that was read", "which of the views it is"),
    )),
    ("platform", "identity of a machine without SMBIOS", (
        ("device_tree_model", "/proc/device-tree/model", "compared with the baseline"),
        ("device_tree_compatible", "/proc/device-tree/compatible", "compared with the baseline"),
        ("device_tree_uuid", "/proc/device-tree/vm,uuid", "must be libvirt's UUID of the domain"),
        ("device_tree_name", "/proc/device-tree/ibm,partition-name", "must be libvirt's name of "
         "the domain"),
        ("sysinfo", "/proc/sysinfo (s390x)", "compared with the baseline; serial numbers and "
         "UUID of the physical machine in it", _ID),
    )),
    ("cpu", "whether the guest still has the CPU that it booted with", (
        ("online", "/sys/devices/system/cpu/online", "processors that are lost or added"),
        ("present", "/sys/devices/system/cpu/present", "processors that are lost or added"),
        ("model_name", "/proc/cpuinfo", "another CPU model"),
        ("vendor", "/proc/cpuinfo", "another CPU model"),
        ("revision", "/proc/cpuinfo", "another CPU model"),
        ("flags", "/proc/cpuinfo", "features that are lost or added"),
        ("microcode", "/proc/cpuinfo", "another microcode"),
        ("live_cpuid.leaf", "/dev/cpu/0/cpuid", "which question"),
        ("live_cpuid.subleaf", "/dev/cpu/0/cpuid", "which question"),
        ("live_cpuid.eax", "/dev/cpu/0/cpuid", "what the CPU answers now, after a move"),
        ("live_cpuid.ebx", "/dev/cpu/0/cpuid", "what the CPU answers now, after a move"),
        ("live_cpuid.ecx", "/dev/cpu/0/cpuid", "what the CPU answers now, after a move"),
        ("live_cpuid.edx", "/dev/cpu/0/cpuid", "what the CPU answers now, after a move"),
        ("live_cpuid_absence.group", "the agent", "that live CPUID is missing"),
        ("live_cpuid_absence.reason", "the agent", "why live CPUID is missing"),
        ("live_cpuid_absence.detail", "the agent", "why live CPUID is missing"),
    )),
    ("memory", "memory that is lost or added", (
        ("total_bytes", "/proc/meminfo", "size of the memory"),
        ("online_bytes", "/sys/devices/system/memory", "size of the memory"),
        ("block_size_bytes", "/sys/devices/system/memory/block_size_bytes", "how exact that is"),
    )),
    ("pci", "devices that moved, went or came", (
        ("functions.address", "/sys/bus/pci/devices", "drivers and names hang on it"),
        ("functions.bridge", "/sys/bus/pci/devices", "whether the bus is another one"),
        ("functions.vendor", "/sys/bus/pci/devices", "which device it is"),
        ("functions.device", "/sys/bus/pci/devices", "which device it is"),
        ("functions.subsystem_vendor", "/sys/bus/pci/devices", "which device it is"),
        ("functions.subsystem_device", "/sys/bus/pci/devices", "which device it is"),
        ("functions.revision", "/sys/bus/pci/devices", "which device it is"),
        ("functions.class_code", "/sys/bus/pci/devices", "what kind of device it is"),
    )),
    ("virtio", "virtio devices whose features changed", (
        ("devices.parent", "/sys/bus/virtio/devices", "which device it is"),
        ("devices.device_id", "/sys/bus/virtio/devices", "what kind of device it is"),
        ("devices.features", "/sys/bus/virtio/devices", "what driver and QEMU agreed on"),
        ("devices.features_high", "/sys/bus/virtio/devices", "what driver and QEMU agreed on"),
        ("devices.driver", "/sys/bus/virtio/devices", "whether there is a driver"),
    )),
    ("acpi", "firmware tables that changed; their contents stay in the guest", (
        ("tables.signature", "/sys/firmware/acpi/tables", "which table it is"),
        ("tables.length", "/sys/firmware/acpi/tables", "compared with the baseline"),
        ("tables.sha256", "/sys/firmware/acpi/tables", "compared with the baseline"),
        ("tables.content_sha256", "/sys/firmware/acpi/tables", "the same without addresses"),
    )),
    ("network", "network cards that moved, went or came; no IP address, no traffic", (
        ("interfaces.mac", "SIOCETHTOOL, or /sys/class/net", "which card it is", _ID),
        ("interfaces.current_mac", "/sys/class/net", "told from the permanent one", _ID),
        ("interfaces.permanent_unknown", "/sys/class/net", "how far to trust the address"),
        ("interfaces.parent", "/sys/class/net", "where the card is"),
        ("interfaces.name", "/sys/class/net", "names that changed over a boot; one that is made "
         "of the MAC address (enx...)", _ID),
        ("interfaces.driver", "/sys/class/net", "another driver"),
    )),
    ("block", "disks that moved, went or came; nothing that is on them", (
        ("devices.serial", "/sys/block", "which disk it is", _ID),
        ("devices.wwn", "/sys/block", "which disk it is", _ID),
        ("devices.parent", "/sys/block", "where the disk is"),
        ("devices.unit", "/sys/block", "where the disk is"),
        ("devices.name", "/sys/block", "how the guest calls it"),
        ("devices.size_bytes", "/sys/block", "another size"),
        ("devices.removable", "/sys/block", "whether its size may change"),
        ("devices.logical_block_bytes", "/sys/block", "another block size breaks partitions"),
    )),
    ("clock", "a clock that jumped in a move", (
        ("clocksource", "/sys/devices/system/clocksource", "another clocksource"),
        ("realtime_nanoseconds", "clock_gettime", "a jump of the wall clock"),
        ("boottime_nanoseconds", "clock_gettime", "how long the guest stood still"),
    )),
    ("uefi", "whether secure boot is on, and by whose keys; the keys stay in the guest", (
        ("secure_boot", "/sys/firmware/efi/efivars", "compared with what the host declares"),
        ("setup_mode", "/sys/firmware/efi/efivars", "whether keys may be enrolled by anybody"),
        ("databases.name", "/sys/firmware/efi/efivars", "which of PK, KEK, db and dbx it is"),
        ("databases.size_bytes", "/sys/firmware/efi/efivars", "compared with the host's store"),
        ("databases.sha256", "/sys/firmware/efi/efivars", "compared with the host's store"),
    )),
    ("tpm", "what opens no more when the machine changes; what was measured stays in the guest", (
        ("pcrs", "/sys/class/tpm/tpm0/pcr-sha256", "compared with a rehearsal's"),
        ("log_bytes", "/sys/kernel/security/tpm0", "whether there is a log"),
        ("log_sha256", "/sys/kernel/security/tpm0", "whether it is the same log"),
        ("events.pcr", "/sys/kernel/security/tpm0", "which event changes a register"),
        ("events.type", "/sys/kernel/security/tpm0", "which event changes a register"),
        ("events.sha256", "/sys/kernel/security/tpm0", "which event changes a register"),
        ("luks_read", "/run/udev/data", "whether there may be tokens"),
        ("luks_tokens.device", "LUKS2 headers", "which disk it is"),
        ("luks_tokens.type", "LUKS2 headers", "what the disk is unlocked by"),
        ("luks_tokens.pin", "LUKS2 headers", "what the disk is unlocked by"),
        ("luks_tokens.bound", "LUKS2 headers", "whether it is known what that is bound to"),
        ("luks_tokens.pcrs", "LUKS2 headers", "whether the disk will open after a change"),
        ("luks_tokens.bank", "LUKS2 headers", "whether the registers read are those"),
        ("luks_tokens.signed_pcrs", "LUKS2 headers", "what a signature allows to change"),
        ("endorsement_sha256", "/dev/tpmrm0", "tells a TPM from a new one and from its copy", _ID),
    )),
)  # fmt: skip
_OF_THE_REPORT = (
    ("nonce", "the request", "that this is the answer to that question, and no older one"),
    ("agent_version", "the agent", "which fields there can be"),
    ("absences.group", "the agent", "which group is missing"),
    ("absences.reason", "the agent", "why: it is not there, may not be read, or is switched off"),
    ("absences.detail", "the agent", "why, in a sentence"),
)
NEVER = (
    "never read: opt/ in fw_cfg, files, processes, users, IP addresses, anything that a request "
    "names"
)


def report() -> "tuple[Explanation, ...]":
    """Return the fields that every report has."""
    return tuple(Explanation(*row) for row in _OF_THE_REPORT)


def groups() -> Iterator[GroupExplanation]:
    """Yield the groups in the order of the report."""
    for group, purpose, rows in _ROWS:
        fields = tuple(Explanation(f"{group}.{row[0]}", *row[1:]) for row in rows)  # type: ignore[arg-type]  # of the table above
        yield GroupExplanation(group, purpose, fields)


def lines(off: "tuple[str, ...]" = ()) -> Iterator[str]:
    """Yield it for people; ``off`` are the groups that are switched off."""
    yield "What a report holds, where it is read, what for. IDENTIFIER: kept as a salted hash only."
    yield ""
    for one in report():
        yield _line(one)
    for group in groups():
        yield ""
        mark = "  (OFF: never read)" if group.group in off else ""
        yield f"{group.group}: {group.purpose}{mark}"
        for one in group.fields:
            yield _line(one)
    yield ""
    yield NEVER
    yield "switch a group off: groups-off = network, block in /etc/samemachine/guest.conf"
    yield f"given only where it is asked for: groups-on = {', '.join(OPT_IN)}"


def _line(one: Explanation) -> str:
    mark = "  IDENTIFIER" if one.identifier else ""
    return f"  {one.field:30} {one.purpose} ({one.source}){mark}"

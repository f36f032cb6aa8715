"""Whom a difference touches. Pure: a table, the first row that fits speaks."""

from dataclasses import dataclass

from host_agent.difference import Area, Difference, Effect


@dataclass(frozen=True, slots=True)
class Touched:
    """Who notices a difference, and where that is written."""

    effect: Effect
    who: str
    source: str


_WINDOWS_ID = Touched(
    Effect.IDENTITY,
    "Windows hardware ID",
    "Microsoft, Specifying Hardware IDs for a Computer",
)
_DATASOURCE = Touched(
    Effect.IDENTITY,
    "licences, cloud-init's choice of a data source",
    "cloud-init, tools/ds-identify (sys_vendor, product_name, product_serial, product_uuid, "
    "chassis_asset_tag); Microsoft, Specifying Hardware IDs for a Computer",
)
# Of a BIOS guest: a UEFI firmware gives its guest an entry point of its own.
_ENTRY_POINT = Touched(
    Effect.IDENTITY,
    "BIOS guests: Windows finds _SM_ only, and else no UUID and no serial number, so licences fail",
    "DMTF DSP0134 5.2.1, 5.2.2; QEMU, hw/i386/pc_piix.c: default_smbios_ep_type",
)
_CREDENTIALS = Touched(
    Effect.IDENTITY, "credentials, provisioning", "systemd, systemd.system-credentials(7)"
)
_INVENTORY = Touched(Effect.INVENTORY, "inventory tools", "DMTF DSP0134, clause 1")
_DEVICES = Touched(
    Effect.DRIVER,
    "device drivers and names, Windows first",
    "Microsoft, ACPI-enumerated devices: hardware and instance IDs from _HID and _UID",
)
_KERNEL = Touched(
    Effect.DRIVER, "the kernel's view of timers, CPUs, buses", "ACPI specification 6.5, clause 5.2"
)
_ACTIVATION = Touched(
    Effect.IDENTITY, "licences bound to ACPI's OEM ID", "Microsoft, OEM Activation 2.1 (SLIC)"
)
_HIBERNATION = Touched(
    Effect.DRIVER,
    "a hibernated guest refuses to resume",
    "Linux, arch/x86/power/hibernate.c (digest of e820)",
)
_FW_CFG = Touched(
    Effect.DRIVER,
    "Linux's qemu_fw_cfg, until it is loaded again",
    "Linux, drivers/firmware/qemu_fw_cfg.c (the directory is read once)",
)
_TREE = Touched(
    Effect.DRIVER, "the kernel's set of devices", "Devicetree specification 0.4, clause 2"
)
_QUEUES = Touched(
    Effect.DRIVER, "how much a driver can have under way at once", "OASIS virtio 1.3, clause 2.6"
)
_VIRTIO = Touched(
    Effect.DRIVER, "what a driver may use of its device", "OASIS virtio 1.3, clause 2.2"
)
_CPU = Touched(
    Effect.DRIVER, "programs that choose their code by the CPU's features", "Intel SDM 2A, CPUID"
)
_FACILITIES = Touched(
    Effect.DRIVER,
    "kernels and programs built for the facilities of a newer machine",
    "IBM, z/Architecture Principles of Operation: Facility Indications",
)
_PCI = Touched(
    Effect.DRIVER,
    "the drivers of its cards and disks, and the names of network cards",
    "systemd.net-naming-scheme(7); Microsoft, Device identification strings",
)
_MIGRATION = Touched(
    Effect.BREAKING,
    "live migration and restore are refused",
    "QEMU, migration/ram.c (Length mismatch, Unknown ramblock)",
)
_BIOS = Touched(Effect.INVENTORY, "the BIOS version, at the next start", "DMTF DSP0134, clause 7.1")


@dataclass(frozen=True, slots=True)
class Row:
    """One rule; empty texts fit everything."""

    area: Area
    subject: str
    """The first words of the subject."""
    field: str
    touched: Touched


TABLE = (
    # What licences and provisioning tools go by.
    Row(Area.SMBIOS,      "type 1 ",  "UUID",             _DATASOURCE),
    Row(Area.SMBIOS,      "type 1 ",  "Serial Number",    _DATASOURCE),
    Row(Area.SMBIOS,      "type 1 ",  "Manufacturer",     _DATASOURCE),
    Row(Area.SMBIOS,      "type 1 ",  "Product Name",     _DATASOURCE),
    Row(Area.SMBIOS,      "type 1 ",  "SKU Number",       _WINDOWS_ID),
    Row(Area.SMBIOS,      "type 1 ",  "Family",           _WINDOWS_ID),
    Row(Area.SMBIOS,      "type 2 ",  "structures",       _WINDOWS_ID),
    Row(Area.SMBIOS,      "type 2 ",  "Manufacturer",     _WINDOWS_ID),
    Row(Area.SMBIOS,      "type 2 ",  "Product",          _WINDOWS_ID),
    Row(Area.SMBIOS,      "type 3 ",  "Asset Tag Number", _DATASOURCE),
    Row(Area.SMBIOS,      "type 3 ",  "Type",             _WINDOWS_ID),
    Row(Area.SMBIOS,      "type 11 ", "",                 _CREDENTIALS),
    Row(Area.SMBIOS,      "",         "",                 _INVENTORY),
    # What drivers are bound by.
    Row(Area.ACPI,        "DSDT",     "code",             _DEVICES),
    Row(Area.ACPI,        "SSDT",     "code",             _DEVICES),
    Row(Area.ACPI,        "DSDT, ",   "",                 _DEVICES),
    Row(Area.ACPI,        "SSDT, ",   "",                 _DEVICES),
    Row(Area.ACPI,        "",         "table",            _KERNEL),
    Row(Area.ACPI,        "",         "contents",         _KERNEL),
    Row(Area.ACPI,        "",         "Revision",         _KERNEL),
    Row(Area.ACPI,        "",         "OEM ID",           _ACTIVATION),
    Row(Area.ACPI,        "",         "OEM Table ID",     _ACTIVATION),
    Row(Area.ACPI,        "",         "",                 _INVENTORY),
    Row(Area.MEMORY_MAP,  "",         "",                 _HIBERNATION),
    Row(Area.FW_CFG,      "",         "",                 _FW_CFG),
    Row(Area.DEVICE_TREE, "",         "",                 _TREE),
    Row(Area.PCI,         "",         "",                 _PCI),
    Row(Area.VIRTIO,      "",         "entries of its queues", _QUEUES),
    Row(Area.VIRTIO,      "",         "",                 _VIRTIO),
    Row(Area.CPU,         "QEMU's default", "",           _FACILITIES),
    Row(Area.CPU,         "",         "",                 _CPU),
    # What a migration refuses.
    Row(Area.ROM,         "",         "",                 _MIGRATION),
    Row(Area.FIRMWARE,    "",         "size",             _MIGRATION),
    Row(Area.FIRMWARE,    "",         "",                 _BIOS),
)  # fmt: skip


def is_entry_point(difference: Difference) -> bool:
    """Tell whether it is the SMBIOS entry point's, which QEMU gives to a BIOS only."""
    return difference.area is Area.SMBIOS and difference.subject == "entry point"


def _changes_its_kind(difference: Difference) -> bool:
    kinds = {text.partition(" ")[0] for text in (difference.old, difference.new)}
    return is_entry_point(difference) and len(kinds & {"_SM_", "_SM3_"}) == 2


def of(difference: Difference) -> Touched:
    """Return who notices a difference; every area has a row that fits everything."""
    if _changes_its_kind(difference):
        return _ENTRY_POINT
    return next(
        row.touched
        for row in TABLE
        if row.area is difference.area
        and f"{difference.subject} ".startswith(row.subject)
        and row.field in {"", difference.field}
    )

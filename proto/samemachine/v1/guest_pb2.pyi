from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ABSENCE_REASON_ABSENT: AbsenceReason
ABSENCE_REASON_FAILED: AbsenceReason
ABSENCE_REASON_UNREADABLE: AbsenceReason
ABSENCE_REASON_UNSPECIFIED: AbsenceReason
ABSENCE_REASON_UNSUPPORTED: AbsenceReason
DESCRIPTOR: _descriptor.FileDescriptor
DMI_SOURCE_DMIDECODE: DmiSource
DMI_SOURCE_SYSFS: DmiSource
DMI_SOURCE_UNSPECIFIED: DmiSource
EVIDENCE_GROUP_ACPI: EvidenceGroup
EVIDENCE_GROUP_BLOCK: EvidenceGroup
EVIDENCE_GROUP_BOOT: EvidenceGroup
EVIDENCE_GROUP_CLOCK: EvidenceGroup
EVIDENCE_GROUP_CPU: EvidenceGroup
EVIDENCE_GROUP_DMI: EvidenceGroup
EVIDENCE_GROUP_MEMORY: EvidenceGroup
EVIDENCE_GROUP_NETWORK: EvidenceGroup
EVIDENCE_GROUP_PCI: EvidenceGroup
EVIDENCE_GROUP_PLATFORM: EvidenceGroup
EVIDENCE_GROUP_SMBIOS_BOOTED: EvidenceGroup
EVIDENCE_GROUP_SMBIOS_LIVE: EvidenceGroup
EVIDENCE_GROUP_TPM: EvidenceGroup
EVIDENCE_GROUP_UEFI: EvidenceGroup
EVIDENCE_GROUP_UNSPECIFIED: EvidenceGroup
EVIDENCE_GROUP_VIRTIO: EvidenceGroup
UEFI_SWITCH_OFF: UefiSwitch
UEFI_SWITCH_ON: UefiSwitch
UEFI_SWITCH_UNSPECIFIED: UefiSwitch

class Absence(_message.Message):
    __slots__ = ["detail", "group", "reason"]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    detail: str
    group: EvidenceGroup
    reason: AbsenceReason
    def __init__(self, group: _Optional[_Union[EvidenceGroup, str]] = ..., reason: _Optional[_Union[AbsenceReason, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class Acpi(_message.Message):
    __slots__ = ["tables"]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[AcpiTable]
    def __init__(self, tables: _Optional[_Iterable[_Union[AcpiTable, _Mapping]]] = ...) -> None: ...

class AcpiTable(_message.Message):
    __slots__ = ["content_sha256", "length", "sha256", "signature"]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    content_sha256: bytes
    length: int
    sha256: bytes
    signature: str
    def __init__(self, signature: _Optional[str] = ..., length: _Optional[int] = ..., sha256: _Optional[bytes] = ..., content_sha256: _Optional[bytes] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ["devices"]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[BlockDevice]
    def __init__(self, devices: _Optional[_Iterable[_Union[BlockDevice, _Mapping]]] = ...) -> None: ...

class BlockDevice(_message.Message):
    __slots__ = ["logical_block_bytes", "name", "parent", "removable", "serial", "size_bytes", "unit", "wwn"]
    LOGICAL_BLOCK_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REMOVABLE_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    WWN_FIELD_NUMBER: _ClassVar[int]
    logical_block_bytes: int
    name: str
    parent: str
    removable: bool
    serial: str
    size_bytes: int
    unit: str
    wwn: str
    def __init__(self, serial: _Optional[str] = ..., wwn: _Optional[str] = ..., parent: _Optional[str] = ..., name: _Optional[str] = ..., size_bytes: _Optional[int] = ..., unit: _Optional[str] = ..., removable: bool = ..., logical_block_bytes: _Optional[int] = ...) -> None: ...

class Boot(_message.Message):
    __slots__ = ["architecture", "boot_id", "boot_time_seconds", "kernel_release"]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    BOOT_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    KERNEL_RELEASE_FIELD_NUMBER: _ClassVar[int]
    architecture: str
    boot_id: str
    boot_time_seconds: int
    kernel_release: str
    def __init__(self, boot_id: _Optional[str] = ..., boot_time_seconds: _Optional[int] = ..., kernel_release: _Optional[str] = ..., architecture: _Optional[str] = ...) -> None: ...

class Clock(_message.Message):
    __slots__ = ["boottime_nanoseconds", "clocksource", "realtime_nanoseconds"]
    BOOTTIME_NANOSECONDS_FIELD_NUMBER: _ClassVar[int]
    CLOCKSOURCE_FIELD_NUMBER: _ClassVar[int]
    REALTIME_NANOSECONDS_FIELD_NUMBER: _ClassVar[int]
    boottime_nanoseconds: int
    clocksource: str
    realtime_nanoseconds: int
    def __init__(self, clocksource: _Optional[str] = ..., realtime_nanoseconds: _Optional[int] = ..., boottime_nanoseconds: _Optional[int] = ...) -> None: ...

class Cpu(_message.Message):
    __slots__ = ["flags", "live_cpuid", "live_cpuid_absence", "microcode", "model_name", "online", "present", "revision", "vendor"]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    LIVE_CPUID_ABSENCE_FIELD_NUMBER: _ClassVar[int]
    LIVE_CPUID_FIELD_NUMBER: _ClassVar[int]
    MICROCODE_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    flags: _containers.RepeatedScalarFieldContainer[str]
    live_cpuid: _containers.RepeatedCompositeFieldContainer[CpuidLeaf]
    live_cpuid_absence: Absence
    microcode: str
    model_name: str
    online: int
    present: int
    revision: str
    vendor: str
    def __init__(self, online: _Optional[int] = ..., model_name: _Optional[str] = ..., vendor: _Optional[str] = ..., flags: _Optional[_Iterable[str]] = ..., live_cpuid: _Optional[_Iterable[_Union[CpuidLeaf, _Mapping]]] = ..., microcode: _Optional[str] = ..., present: _Optional[int] = ..., revision: _Optional[str] = ..., live_cpuid_absence: _Optional[_Union[Absence, _Mapping]] = ...) -> None: ...

class CpuidLeaf(_message.Message):
    __slots__ = ["eax", "ebx", "ecx", "edx", "leaf", "subleaf"]
    EAX_FIELD_NUMBER: _ClassVar[int]
    EBX_FIELD_NUMBER: _ClassVar[int]
    ECX_FIELD_NUMBER: _ClassVar[int]
    EDX_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    SUBLEAF_FIELD_NUMBER: _ClassVar[int]
    eax: int
    ebx: int
    ecx: int
    edx: int
    leaf: int
    subleaf: int
    def __init__(self, leaf: _Optional[int] = ..., subleaf: _Optional[int] = ..., eax: _Optional[int] = ..., ebx: _Optional[int] = ..., ecx: _Optional[int] = ..., edx: _Optional[int] = ...) -> None: ...

class Dmi(_message.Message):
    __slots__ = ["bios_date", "bios_vendor", "bios_version", "chassis_manufacturer", "chassis_version", "processor_version", "source", "system_family", "system_manufacturer", "system_product", "system_serial", "system_sku", "system_uuid", "system_version"]
    BIOS_DATE_FIELD_NUMBER: _ClassVar[int]
    BIOS_VENDOR_FIELD_NUMBER: _ClassVar[int]
    BIOS_VERSION_FIELD_NUMBER: _ClassVar[int]
    CHASSIS_MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    CHASSIS_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_FAMILY_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_PRODUCT_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_SERIAL_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_SKU_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_UUID_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_VERSION_FIELD_NUMBER: _ClassVar[int]
    bios_date: str
    bios_vendor: str
    bios_version: str
    chassis_manufacturer: str
    chassis_version: str
    processor_version: str
    source: DmiSource
    system_family: str
    system_manufacturer: str
    system_product: str
    system_serial: str
    system_sku: str
    system_uuid: str
    system_version: str
    def __init__(self, source: _Optional[_Union[DmiSource, str]] = ..., system_manufacturer: _Optional[str] = ..., system_product: _Optional[str] = ..., system_version: _Optional[str] = ..., system_serial: _Optional[str] = ..., system_uuid: _Optional[str] = ..., system_sku: _Optional[str] = ..., system_family: _Optional[str] = ..., chassis_manufacturer: _Optional[str] = ..., chassis_version: _Optional[str] = ..., processor_version: _Optional[str] = ..., bios_vendor: _Optional[str] = ..., bios_version: _Optional[str] = ..., bios_date: _Optional[str] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ["groups", "nonce"]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedScalarFieldContainer[EvidenceGroup]
    nonce: bytes
    def __init__(self, nonce: _Optional[bytes] = ..., groups: _Optional[_Iterable[_Union[EvidenceGroup, str]]] = ...) -> None: ...

class LuksToken(_message.Message):
    __slots__ = ["bank", "bound", "device", "pcrs", "pin", "signed_pcrs", "type"]
    BANK_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PCRS_FIELD_NUMBER: _ClassVar[int]
    PIN_FIELD_NUMBER: _ClassVar[int]
    SIGNED_PCRS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    bank: str
    bound: bool
    device: str
    pcrs: _containers.RepeatedScalarFieldContainer[int]
    pin: str
    signed_pcrs: _containers.RepeatedScalarFieldContainer[int]
    type: str
    def __init__(self, device: _Optional[str] = ..., type: _Optional[str] = ..., pin: _Optional[str] = ..., bound: bool = ..., pcrs: _Optional[_Iterable[int]] = ..., bank: _Optional[str] = ..., signed_pcrs: _Optional[_Iterable[int]] = ...) -> None: ...

class Memory(_message.Message):
    __slots__ = ["block_size_bytes", "online_bytes", "total_bytes"]
    BLOCK_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ONLINE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    block_size_bytes: int
    online_bytes: int
    total_bytes: int
    def __init__(self, total_bytes: _Optional[int] = ..., online_bytes: _Optional[int] = ..., block_size_bytes: _Optional[int] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ["interfaces"]
    INTERFACES_FIELD_NUMBER: _ClassVar[int]
    interfaces: _containers.RepeatedCompositeFieldContainer[NetworkInterface]
    def __init__(self, interfaces: _Optional[_Iterable[_Union[NetworkInterface, _Mapping]]] = ...) -> None: ...

class NetworkInterface(_message.Message):
    __slots__ = ["current_mac", "driver", "mac", "name", "parent", "permanent_unknown"]
    CURRENT_MAC_FIELD_NUMBER: _ClassVar[int]
    DRIVER_FIELD_NUMBER: _ClassVar[int]
    MAC_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PERMANENT_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    current_mac: str
    driver: str
    mac: str
    name: str
    parent: str
    permanent_unknown: bool
    def __init__(self, mac: _Optional[str] = ..., parent: _Optional[str] = ..., name: _Optional[str] = ..., driver: _Optional[str] = ..., current_mac: _Optional[str] = ..., permanent_unknown: bool = ...) -> None: ...

class PciBus(_message.Message):
    __slots__ = ["functions"]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    functions: _containers.RepeatedCompositeFieldContainer[PciFunction]
    def __init__(self, functions: _Optional[_Iterable[_Union[PciFunction, _Mapping]]] = ...) -> None: ...

class PciFunction(_message.Message):
    __slots__ = ["address", "bridge", "class_code", "device", "revision", "subsystem_device", "subsystem_vendor", "vendor"]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    BRIDGE_FIELD_NUMBER: _ClassVar[int]
    CLASS_CODE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SUBSYSTEM_DEVICE_FIELD_NUMBER: _ClassVar[int]
    SUBSYSTEM_VENDOR_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    address: str
    bridge: str
    class_code: int
    device: int
    revision: int
    subsystem_device: int
    subsystem_vendor: int
    vendor: int
    def __init__(self, address: _Optional[str] = ..., vendor: _Optional[int] = ..., device: _Optional[int] = ..., subsystem_vendor: _Optional[int] = ..., subsystem_device: _Optional[int] = ..., revision: _Optional[int] = ..., class_code: _Optional[int] = ..., bridge: _Optional[str] = ...) -> None: ...

class Platform(_message.Message):
    __slots__ = ["device_tree_compatible", "device_tree_model", "device_tree_name", "device_tree_uuid", "sysinfo"]
    class SysinfoEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DEVICE_TREE_COMPATIBLE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_TREE_MODEL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_TREE_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_TREE_UUID_FIELD_NUMBER: _ClassVar[int]
    SYSINFO_FIELD_NUMBER: _ClassVar[int]
    device_tree_compatible: _containers.RepeatedScalarFieldContainer[str]
    device_tree_model: str
    device_tree_name: str
    device_tree_uuid: str
    sysinfo: _containers.ScalarMap[str, str]
    def __init__(self, device_tree_model: _Optional[str] = ..., device_tree_compatible: _Optional[_Iterable[str]] = ..., device_tree_uuid: _Optional[str] = ..., sysinfo: _Optional[_Mapping[str, str]] = ..., device_tree_name: _Optional[str] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ["absences", "acpi", "agent_version", "block", "boot", "clock", "cpu", "dmi", "memory", "network", "nonce", "pci", "platform", "smbios_booted", "smbios_live", "tpm", "uefi", "virtio"]
    ABSENCES_FIELD_NUMBER: _ClassVar[int]
    ACPI_FIELD_NUMBER: _ClassVar[int]
    AGENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    BOOT_FIELD_NUMBER: _ClassVar[int]
    CLOCK_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    DMI_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    PCI_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    SMBIOS_BOOTED_FIELD_NUMBER: _ClassVar[int]
    SMBIOS_LIVE_FIELD_NUMBER: _ClassVar[int]
    TPM_FIELD_NUMBER: _ClassVar[int]
    UEFI_FIELD_NUMBER: _ClassVar[int]
    VIRTIO_FIELD_NUMBER: _ClassVar[int]
    absences: _containers.RepeatedCompositeFieldContainer[Absence]
    acpi: Acpi
    agent_version: str
    block: Block
    boot: Boot
    clock: Clock
    cpu: Cpu
    dmi: Dmi
    memory: Memory
    network: Network
    nonce: bytes
    pci: PciBus
    platform: Platform
    smbios_booted: SmbiosTables
    smbios_live: SmbiosTables
    tpm: Tpm
    uefi: Uefi
    virtio: VirtioBus
    def __init__(self, nonce: _Optional[bytes] = ..., agent_version: _Optional[str] = ..., absences: _Optional[_Iterable[_Union[Absence, _Mapping]]] = ..., boot: _Optional[_Union[Boot, _Mapping]] = ..., dmi: _Optional[_Union[Dmi, _Mapping]] = ..., smbios_booted: _Optional[_Union[SmbiosTables, _Mapping]] = ..., smbios_live: _Optional[_Union[SmbiosTables, _Mapping]] = ..., platform: _Optional[_Union[Platform, _Mapping]] = ..., cpu: _Optional[_Union[Cpu, _Mapping]] = ..., memory: _Optional[_Union[Memory, _Mapping]] = ..., pci: _Optional[_Union[PciBus, _Mapping]] = ..., virtio: _Optional[_Union[VirtioBus, _Mapping]] = ..., acpi: _Optional[_Union[Acpi, _Mapping]] = ..., network: _Optional[_Union[Network, _Mapping]] = ..., block: _Optional[_Union[Block, _Mapping]] = ..., clock: _Optional[_Union[Clock, _Mapping]] = ..., uefi: _Optional[_Union[Uefi, _Mapping]] = ..., tpm: _Optional[_Union[Tpm, _Mapping]] = ...) -> None: ...

class SmbiosTables(_message.Message):
    __slots__ = ["entry_point", "source", "tables"]
    ENTRY_POINT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    entry_point: bytes
    source: str
    tables: bytes
    def __init__(self, entry_point: _Optional[bytes] = ..., tables: _Optional[bytes] = ..., source: _Optional[str] = ...) -> None: ...

class Tpm(_message.Message):
    __slots__ = ["endorsement_sha256", "events", "log_bytes", "log_sha256", "luks_read", "luks_tokens", "pcrs"]
    ENDORSEMENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOG_SHA256_FIELD_NUMBER: _ClassVar[int]
    LUKS_READ_FIELD_NUMBER: _ClassVar[int]
    LUKS_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PCRS_FIELD_NUMBER: _ClassVar[int]
    endorsement_sha256: str
    events: _containers.RepeatedCompositeFieldContainer[TpmEvent]
    log_bytes: int
    log_sha256: bytes
    luks_read: bool
    luks_tokens: _containers.RepeatedCompositeFieldContainer[LuksToken]
    pcrs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, pcrs: _Optional[_Iterable[bytes]] = ..., log_bytes: _Optional[int] = ..., log_sha256: _Optional[bytes] = ..., events: _Optional[_Iterable[_Union[TpmEvent, _Mapping]]] = ..., luks_read: bool = ..., luks_tokens: _Optional[_Iterable[_Union[LuksToken, _Mapping]]] = ..., endorsement_sha256: _Optional[str] = ...) -> None: ...

class TpmEvent(_message.Message):
    __slots__ = ["pcr", "sha256", "type"]
    PCR_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    pcr: int
    sha256: bytes
    type: int
    def __init__(self, pcr: _Optional[int] = ..., type: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class Uefi(_message.Message):
    __slots__ = ["databases", "secure_boot", "setup_mode"]
    DATABASES_FIELD_NUMBER: _ClassVar[int]
    SECURE_BOOT_FIELD_NUMBER: _ClassVar[int]
    SETUP_MODE_FIELD_NUMBER: _ClassVar[int]
    databases: _containers.RepeatedCompositeFieldContainer[UefiDatabase]
    secure_boot: UefiSwitch
    setup_mode: UefiSwitch
    def __init__(self, secure_boot: _Optional[_Union[UefiSwitch, str]] = ..., setup_mode: _Optional[_Union[UefiSwitch, str]] = ..., databases: _Optional[_Iterable[_Union[UefiDatabase, _Mapping]]] = ...) -> None: ...

class UefiDatabase(_message.Message):
    __slots__ = ["name", "sha256", "size_bytes"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256: bytes
    size_bytes: int
    def __init__(self, name: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class VirtioBus(_message.Message):
    __slots__ = ["devices"]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[VirtioDevice]
    def __init__(self, devices: _Optional[_Iterable[_Union[VirtioDevice, _Mapping]]] = ...) -> None: ...

class VirtioDevice(_message.Message):
    __slots__ = ["device_id", "driver", "features", "features_high", "parent"]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    DRIVER_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    FEATURES_HIGH_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    device_id: int
    driver: str
    features: int
    features_high: int
    parent: str
    def __init__(self, parent: _Optional[str] = ..., device_id: _Optional[int] = ..., features: _Optional[int] = ..., features_high: _Optional[int] = ..., driver: _Optional[str] = ...) -> None: ...

class EvidenceGroup(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class AbsenceReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class DmiSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class UefiSwitch(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

"""Names of virtio devices and of their features. Pure: tables."""

DEVICES = {
    1: "network", 2: "block", 3: "console", 4: "entropy", 5: "balloon", 8: "SCSI host", 9: "9P",
    16: "GPU", 18: "input", 19: "socket", 20: "crypto", 23: "IOMMU", 24: "memory", 25: "sound",
    26: "file system", 27: "pmem",
}  # fmt: skip
"""VIRTIO 1.2, chapter 5."""
FEATURES = {
    24: "NOTIFY_ON_EMPTY", 27: "ANY_LAYOUT", 28: "RING_INDIRECT_DESC", 29: "RING_EVENT_IDX",
    32: "VERSION_1", 33: "ACCESS_PLATFORM", 34: "RING_PACKED", 35: "IN_ORDER",
    36: "ORDER_PLATFORM", 37: "SR_IOV", 38: "NOTIFICATION_DATA", 40: "RING_RESET",
}  # fmt: skip
"""VIRTIO 1.2, chapter 6: those that do not depend on the device."""

OWN_FEATURES = {
    1: {
        0: "CSUM", 1: "GUEST_CSUM", 2: "CTRL_GUEST_OFFLOADS", 3: "MTU", 5: "MAC", 7: "GUEST_TSO4",
        8: "GUEST_TSO6", 9: "GUEST_ECN", 10: "GUEST_UFO", 11: "HOST_TSO4", 12: "HOST_TSO6",
        13: "HOST_ECN", 14: "HOST_UFO", 15: "MRG_RXBUF", 16: "STATUS", 17: "CTRL_VQ",
        18: "CTRL_RX", 19: "CTRL_VLAN", 21: "GUEST_ANNOUNCE", 22: "MQ", 23: "CTRL_MAC_ADDR",
        54: "GUEST_USO4", 55: "GUEST_USO6", 56: "HOST_USO", 57: "HASH_REPORT", 60: "RSS",
        62: "STANDBY", 63: "SPEED_DUPLEX",
    },
    2: {
        1: "SIZE_MAX", 2: "SEG_MAX", 4: "GEOMETRY", 5: "RO", 6: "BLK_SIZE", 9: "FLUSH",
        10: "TOPOLOGY", 11: "CONFIG_WCE", 12: "MQ", 13: "DISCARD", 14: "WRITE_ZEROES",
        15: "LIFETIME", 16: "SECURE_ERASE", 17: "ZONED",
    },
    3: {0: "SIZE", 1: "MULTIPORT", 2: "EMERG_WRITE"},
    5: {
        0: "MUST_TELL_HOST", 1: "STATS_VQ", 2: "DEFLATE_ON_OOM", 3: "FREE_PAGE_HINT",
        4: "PAGE_POISON", 5: "PAGE_REPORTING",
    },
    8: {0: "INOUT", 1: "HOTPLUG", 2: "CHANGE", 3: "T10_PI"},
    16: {0: "VIRGL", 1: "EDID", 2: "RESOURCE_UUID", 3: "RESOURCE_BLOB", 4: "CONTEXT_INIT"},
}  # fmt: skip
"""Kind of device → its own features (chapter 5)."""


def bits(features: int) -> list[int]:
    """Return the numbers of the features that are set."""
    return [bit for bit in range(features.bit_length()) if features >> bit & 1]


def feature(kind: int, bit: int) -> str:
    """Return for example ``40 (RING_RESET)``."""
    name = FEATURES.get(bit) or OWN_FEATURES.get(kind, {}).get(bit)
    return f"{bit} ({name})" if name else str(bit)


def said(kind: int, features: int) -> str:
    """Return for example ``features 5 (MAC), 40 (RING_RESET)``."""
    found = [feature(kind, bit) for bit in bits(features)]
    return f"feature{'' if len(found) == 1 else 's'} {', '.join(found)}"

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


def bits(features: int) -> list[int]:
    """Return the numbers of the features that are set."""
    return [bit for bit in range(features.bit_length()) if features >> bit & 1]


def feature(bit: int) -> str:
    """Return for example ``40 (RING_RESET)``."""
    return f"{bit} ({FEATURES[bit]})" if bit in FEATURES else str(bit)


def said(features: int) -> str:
    """Return for example ``features 5, 40 (RING_RESET)``."""
    found = bits(features)
    return f"feature{'' if len(found) == 1 else 's'} {', '.join(map(feature, found))}"

"""One file per group of evidence: ``parse`` is pure, ``read(root)`` is a few lines of I/O."""

NAMES = (
    "boot", "dmi", "smbios_booted", "smbios_live", "platform", "cpu", "memory", "pci", "virtio",
    "acpi", "network", "block", "clock", "uefi", "tpm",
)  # fmt: skip
"""All groups of the wire contract, by the fields of Report, for whoever must not import protobuf.

One without a reader is reported as unsupported.
"""

OPT_IN = ("uefi", "tpm")
"""Those that are given only where the administrator names them."""

"""The tables that QEMU and its firmware write. Pure but for ``acpi_code``."""

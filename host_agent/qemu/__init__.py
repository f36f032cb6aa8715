"""A QEMU binary asked, a QEMU process seen."""

"""The host agent: reads what libvirt declares, asks the guest, compares and gives a verdict."""

__version__ = "0.1.0"

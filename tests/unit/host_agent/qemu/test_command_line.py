"""A QEMU command line with another machine type."""

import pytest

from host_agent.qemu.command_line import with_machine_type

NEW = "pc-q35-10.0"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("qemu -machine pc-q35-7.2,usb=off -m 8", f"qemu -machine {NEW},usb=off -m 8"),
        ("qemu -M pc-q35-7.2", f"qemu -M {NEW}"),
        ("qemu -machine type=pc-q35-7.2,smm=on", f"qemu -machine type={NEW},smm=on"),
        ("qemu -machine q35 -machine smm=on,x=y", f"qemu -machine {NEW} -machine smm=on,x=y"),
        ("qemu -machine q35,x-oem-id=A,,B", f"qemu -machine {NEW},x-oem-id=A,,B"),
        ("qemu -name machine,x -m 8 -machine", "qemu -name machine,x -m 8 -machine"),
        ("", ""),
    ],
)
def test_another_machine_type(given: str, made: str) -> None:
    assert with_machine_type(given.split(), NEW) == tuple(made.split())

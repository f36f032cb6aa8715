"""Whether a QEMU takes the options that a libvirt writes for it."""

import pytest

from host_agent.domain import start_options
from host_agent.missing import Missing, Reason
from host_agent.qemu.options import from_command_line

ENDED = Missing(reason=Reason.FAILED, sentence="/usr/bin/qemu-system-x86_64 ended: …")


@pytest.mark.parametrize(
    ("said", "refused", "remedy"),
    [
        ("-no-acpi: invalid option", True, "<acpi/>"),
        ("Property 'pc-q35-10.0-machine.nothing' not found", True, None),
        ('unsupported machine type: "pc-q35-2.3"', True, None),
        # Of the machine that it was started on, or of the way it was asked.
        ("Could not access KVM kernel module: Permission denied", False, None),
        ("cannot set up guest memory 'pc.ram': Cannot allocate memory", False, None),
        ("could not load PC BIOS 'bios-256k.bin'", False, None),
        ('failed to find romfile "efi-e1000.rom"', False, None),
        # It was given other options than the domain's.
        (None, False, None),
    ],
)
def test_refusals(said: str | None, remedy: str | None, *, refused: bool) -> None:
    found = start_options.refusal(ENDED, said)
    if not refused:
        assert found is ENDED
        return
    assert found.reason is Reason.NO_START
    assert found.sentence == f"QEMU refuses libvirt's options: {said}"
    assert (remedy or "") in (found.remedy or "")


@pytest.mark.parametrize(
    ("arguments", "qemu", "words"),
    [
        (("-no-acpi",), (10, 0, 2), "libvirt 9.0.0 passes -no-acpi, which QEMU 10.0.2 does not"),
        (("-no-acpi",), (11, 1, 2), "QEMU 11.1.2"),
        (("-no-acpi",), (7, 2, 22), None),
        # Nobody looked.
        (("-no-acpi",), (9, 2, 0), None),
        (("-machine", "pc-q35-7.2,acpi=off"), (10, 0, 2), None),
    ],
)
def test_what_is_known_from_elsewhere(
    arguments: tuple[str, ...], qemu: tuple[int, ...], words: str | None
) -> None:
    found = start_options.given_up(arguments, qemu, "9.0.0")
    assert (found is None) is (words is None)
    assert (words or "") in ("" if found is None else found.sentence)


def test_what_a_probe_of_a_start_is_given() -> None:
    line = (
        "/usr/bin/qemu-system-x86_64", "-machine", "pc-q35-7.2", "-m", "256", "-rtc", "base=utc",
        "-no-shutdown", "-no-acpi", "-boot", "strict=on", "-overcommit", "mem-lock=on",
        "-chardev", "socket,id=x,path=/x", "-vnc", ":0", "-watchdog-action", "reset",
    )  # fmt: skip
    now = from_command_line(line, "x86_64")
    start = from_command_line(line, "x86_64", starting=True)
    assert "-no-acpi" in now.arguments
    assert not now.harmless
    assert start.arguments == now.arguments
    harmless = (
        "-rtc", "base=utc", "-no-shutdown", "-boot", "strict=on", "-watchdog-action", "reset",
    )  # fmt: skip
    assert start.harmless == harmless
    # A picture is a file.
    menu = ("qemu", "-machine", "pc-q35-7.2", "-boot", "menu=on,splash=/boot.bmp")
    assert not from_command_line(menu, "x86_64", starting=True).harmless

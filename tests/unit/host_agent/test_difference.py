"""What a rehearsal adds to what QEMU serves."""

from host_agent.difference import Area, Difference, with_rehearsal


def one(area: Area, subject: str) -> Difference:
    return Difference(area=area, subject=subject, field="x", old="1", new="2")


def test_a_rehearsal_says_more_of_acpi_and_pci() -> None:
    served = (one(Area.SMBIOS, "type 1"), one(Area.ACPI, "DSDT"), one(Area.ROM, "pc.bios"))
    made = (
        one(Area.SMBIOS, "type 0"), one(Area.ACPI, "DSDT, _SB.PCI0"), one(Area.PCI, "0000:00:01.0"),
        one(Area.VIRTIO, "net0"), one(Area.CPU, ""), one(Area.ROM, "pc.bios"),
    )  # fmt: skip
    assert [each.subject for each in with_rehearsal(served, made)] == [
        "type 1",
        "DSDT, _SB.PCI0",
        "0000:00:01.0",
        "net0",
        "",
        "pc.bios",
    ]

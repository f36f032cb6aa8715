"""Domain XML of all kinds."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain.definition import DomainXmlError, parse

UUID = "00112233-4455-6677-8899-aabbccddeeff"
FULL = f"""<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>vm1</name><uuid>{UUID}</uuid>
  <sysinfo type='smbios'>
    <system><entry name='product'>P</entry><!-- c --><entry name='version'/></system>
    <chassis><entry name='version'>C</entry></chassis>
  </sysinfo>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type><smbios mode='sysinfo'/>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='unix'><source mode='bind' path='/run/socket'/>
      <target type='virtio' name='org.samemachine.guest.0' state='connected'/></channel>
  </devices>
  <qemu:commandline><qemu:arg value='-smbios'/><qemu:arg value='type=1'/></qemu:commandline>
</domain>"""


def test_what_matters_is_read() -> None:
    definition = parse(FULL)
    assert (definition.name, str(definition.uuid), definition.type) == ("vm1", UUID, "kvm")
    assert (definition.architecture, definition.machine) == ("x86_64", "pc-q35-7.2")
    assert (definition.firmware, definition.smbios_mode) == ("efi", "sysinfo")
    assert definition.sysinfo == {
        "system": {"product": "P"},
        "chassis": {"version": "C"},
    }
    assert definition.smbios_arguments
    assert definition.channel is not None
    assert definition.channel.path == "/run/socket"
    assert definition.channel.guest_end_open is True


def test_sysinfo_is_taken_as_libvirt_takes_it() -> None:
    definition = parse(
        f"""<domain><name> a b </name><uuid>{UUID}</uuid><sysinfo type='smbios'>
        <bios><entry name='vendor'>  </entry></bios>
        <system><entry name='product'> P </entry><entry name='product'>Q</entry>
        <entry name='version'></entry></system>
        <baseBoard><entry name='product'>A</entry></baseBoard>
        <baseBoard><entry name='product'>B</entry></baseBoard>
        <baseBoard><entry name='serial'>C<!-- c -->D</entry></baseBoard>
        <oemStrings><entry>one</entry><entry></entry><entry> two</entry></oemStrings></sysinfo>
        <sysinfo type='fwcfg'><entry name='opt/a'>v</entry><entry name='opt/b' file='/f'/></sysinfo>
        <sysinfo type='other'><entry name='x'>y</entry></sysinfo></domain>"""
    )
    assert definition.name == " a b "
    assert definition.sysinfo == {
        "bios": {"vendor": "  "},
        "system": {"product": " P "},
        "baseBoard": {"product": "A"},
        "baseBoard 2": {"product": "B"},
        "baseBoard 3": {"serial": "CD"},
        "oemStrings": {"1": "one", "2": "", "3": " two"},
        "fwcfg": {"opt/a": "v", "opt/b": "file /f"},
    }


HWUUID = "11111111-2222-4333-8444-555566667777"


@pytest.mark.parametrize(
    ("element", "guests"), [("", UUID), (f"<hwuuid>{HWUUID}</hwuuid>", HWUUID)]
)
def test_the_uuid_that_the_guest_sees(element: str, guests: str) -> None:
    definition = parse(f"<domain><uuid>{UUID}</uuid>{element}</domain>")
    assert (str(definition.uuid), str(definition.guest_uuid)) == (UUID, guests)


@pytest.mark.parametrize(
    ("state", "is_open"),
    [(" state='disconnected'", False), (" state='connected'", True), ("", None)],
)
def test_the_guests_end(state: str, is_open: bool | None) -> None:
    channel = parse(FULL.replace(" state='connected'", state)).channel
    assert channel is not None
    assert channel.guest_end_open is is_open


@pytest.mark.parametrize(
    ("cpu", "mode"),
    [
        ("", None), ("<cpu><model>Nehalem</model></cpu>", "custom"),
        ("<cpu mode='host-passthrough'/>", "host-passthrough"),
        ("<cpu mode='maximum'/>", "maximum"),
    ],
)  # fmt: skip
def test_the_mode_of_the_cpu(cpu: str, mode: str | None) -> None:
    assert parse(FULL.replace("<devices>", f"{cpu}<devices>")).cpu_mode == mode


def test_little_is_enough() -> None:
    definition = parse(f"<domain><uuid>{UUID}</uuid></domain>")
    assert definition.name == UUID
    assert (definition.machine, definition.channel, definition.emulator) == (None, None, None)
    assert definition.firmware == "bios"


@pytest.mark.parametrize(
    ("architecture", "loader", "firmware"),
    [
        ("x86_64", "<loader type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>", "efi"),
        # UEFI given as a ROM, as qemu-kvm's -bios takes it; an older libvirt writes no type.
        ("x86_64", "<loader type='rom'>/usr/share/edk2/ovmf/OVMF.fd</loader>", "efi"),
        ("x86_64", "<loader>/usr/share/qemu/OVMF.fd</loader>", "efi"),
        ("x86_64", "<loader type='rom'>/opt/qemu/edk2-x86_64-code.bin</loader>", "efi"),
        ("x86_64", "<loader type='rom'>/usr/share/seabios/bios-256k.bin</loader>", "bios"),
        # What its folder is called says nothing.
        ("x86_64", "<loader type='rom'>/srv/edk2/seabios.bin</loader>", "bios"),
        ("x86_64", "", "bios"),
        ("i686", "", "bios"),
        ("aarch64", "<loader type='rom'>/usr/share/qemu-efi-aarch64/QEMU_EFI.fd</loader>", "efi"),
        ("aarch64", "<loader>/usr/share/AAVMF/AAVMF_CODE.fd</loader>", "efi"),
        # There is no BIOS for these: without UEFI a kernel is booted directly.
        ("aarch64", "", "none"),
        ("riscv64", "<loader type='rom'>/usr/lib/u-boot/u-boot.bin</loader>", "none"),
        ("ppc64le", "", "bios"),
    ],
)
def test_firmware(architecture: str, loader: str, firmware: str) -> None:
    text = f"<domain><uuid>{UUID}</uuid><os><type arch='{architecture}'/>{loader}</os></domain>"
    assert parse(text).firmware == firmware


def test_firmware_that_libvirt_chooses() -> None:
    text = f"<domain><uuid>{UUID}</uuid><os firmware='efi'><type arch='x86_64'/></os></domain>"
    assert parse(text).firmware == "efi"


@pytest.mark.parametrize(
    ("element", "size"),
    [
        ("<memory unit='KiB'>524288</memory>", 1 << 29), ("<memory>524288</memory>", 1 << 29),
        ("<memory unit='GiB'> 4 </memory>", 1 << 32), ("<memory unit='MB'>1</memory>", 10**6),
        ("<memory unit='b'>4096</memory>", 4096), ("<memory>0</memory>", None), ("", None),
        ("<memory unit='pages'>4</memory>", None), ("<memory>-4</memory>", None),
        ("<memory>much</memory>", None), (f"<memory>{'9' * 5000}</memory>", None),
    ],
)  # fmt: skip
def test_how_much_memory(element: str, size: int | None) -> None:
    assert parse(f"<domain><uuid>{UUID}</uuid>{element}</domain>").memory == size


BOMB = (
    "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
    + f"]><domain><name>&j;</name><uuid>{UUID}</uuid></domain>"
)


@pytest.mark.parametrize(
    "text",
    ["", "no xml", "<domain>", "<network/>", "<domain/>", "<domain><uuid>x</uuid></domain>",
     f"<domain><uuid>{UUID}</uuid><hwuuid>x</hwuuid></domain>",
     "<domain>" + "<a>" * 5000],
)  # fmt: skip
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(DomainXmlError):
        parse(text)


def test_entities_are_never_expanded() -> None:
    with contextlib.suppress(DomainXmlError):
        assert len(parse(BOMB).name) < 100
    stolen = (
        "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
        f"<domain><name>&e;</name><uuid>{UUID}</uuid></domain>"
    )
    assert "root" not in parse(stolen).name


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(DomainXmlError):
        parse(f"<domain><uuid>{UUID}</uuid>{text}</domain>")

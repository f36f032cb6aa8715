"""A domain's command line, and that of its rehearsal: every device, and nothing of the domain's."""

import contextlib
import json
import shlex
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.evidence.rehearsed import ALL
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.options import KVM
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain

UUID = "00112233-4455-6677-8899-aabbccddeeff"
BARE = f"/usr/bin/qemu-system-x86_64 -machine pc-q35-9.0 -accel tcg -m 512 -smp 1 -uuid {UUID}"
CODE = frozenset({"DSDT", "SSDT"})
NONE: frozenset[str] = frozenset()
# Whole, as libvirt 9 to 12 writes it; what must not come out again is written in capitals.
WHOLE = f"""LC_ALL=C HOME=/SECRET /usr/bin/qemu-system-x86_64 -name guest=SECRET,debug-threads=on -S
-object '{{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/SECRET/master-key.aes"}}'
-blockdev '{{"driver":"file","filename":"/usr/share/OVMF/CODE.fd",
"node-name":"libvirt-pflash0-storage","auto-read-only":true}}'
-blockdev '{{"node-name":"libvirt-pflash0-format","read-only":true,"driver":"raw",
"file":"libvirt-pflash0-storage"}}'
-blockdev '{{"driver":"file","filename":"/SECRET/VARS.fd","node-name":"libvirt-pflash1-storage"}}'
-machine pc-q35-7.2,usb=off,dump-guest-core=off,pflash0=libvirt-pflash0-format,\
pflash1=libvirt-pflash1-storage,memory-backend=pc.ram,kernel_irqchip=split
-accel kvm -cpu host -m size=524288k -overcommit mem-lock=off -smp 2 -uuid {UUID}
-object '{{"qom-type":"memory-backend-file","id":"pc.ram","mem-path":"/SECRET/pages",
"size":536870912}}'
-no-user-config -nodefaults -chardev socket,id=charmonitor,fd=32,server=on,wait=off
-mon chardev=charmonitor,id=monitor,mode=control -rtc base=utc -no-shutdown -boot strict=on
-device '{{"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci.1","bus":"pcie.0",
"addr":"0x2"}}'
-blockdev '{{"driver":"nbd","server":{{"type":"unix","path":"/SECRET/nbd"}},
"node-name":"libvirt-2-storage"}}'
-blockdev '{{"node-name":"libvirt-2-format","read-only":true,"driver":"qcow2",
"file":"libvirt-2-storage","encrypt":{{"format":"luks","key-secret":"SECRET"}}}}'
-device '{{"driver":"virtio-blk-pci","bus":"pci.1","addr":"0x0","drive":"libvirt-2-format",
"id":"virtio-disk0","bootindex":1,"iothread":"iothread1","serial":"S/1"}}'
-netdev '{{"type":"tap","fd":"34","vhost":true,"vhostfd":"35","id":"hostnet0"}}'
-device '{{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01",
"bus":"pcie.0","addr":"0x3","romfile":""}}'
-chardev pty,id=charserial0 -device '{{"driver":"isa-serial","chardev":"charserial0",
"id":"serial0","index":0}}'
-vnc 127.0.0.1:0,password-secret=SECRET -spice port=5901,password-secret=SECRET
-fw_cfg name=opt/com.example/password,string=SECRET -kernel /SECRET/kernel -append SECRET
-incoming defer -sandbox on -msg timestamp=on"""
# What is given → what is rehearsed, and what is named as not.
DEVICES = {
    "a disk of the older form": (
        "-drive file=/SECRET/a.raw,format=raw,if=none,id=drive-ide0-0-0,readonly=on"
        " -device ide-cd,bus=ide.0,unit=0,drive=drive-ide0-0-0,id=ide0-0-0",
        ["-blockdev", '{"driver":"null-co","node-name":"drive-ide0-0-0","size":1073741824,'
         '"read-zeroes":true,"read-only":true}',
         "-device", "ide-cd,bus=ide.0,unit=0,drive=drive-ide0-0-0,id=ide0-0-0"],
        {},
    ),
    "a drive without a medium": (
        """-device '{"driver":"ide-cd","bus":"ide.1","id":"sata0"}'""",
        ["-device", '{"driver":"ide-cd","bus":"ide.1","id":"sata0"}'],
        {},
    ),
    "a floppy of an older type": (
        """-blockdev '{"driver":"file","filename":"/SECRET","node-name":"f"}'"""
        " -global isa-fdc.driveA=f",
        ["-blockdev", '{"driver":"null-co","node-name":"f","size":1073741824,"read-zeroes":true,'
         '"read-only":false}'],
        {},
    ),
    "networks": (
        "-netdev user,id=a -device e1000,netdev=a,id=net0,mac=52:54:00:00:00:01"
        " -netdev vhost-user,chardev=charnet1,id=b -chardev socket,id=charnet1,path=/SECRET"
        " -device virtio-net-pci,netdev=b,id=net1",
        ["-netdev", "hubport,id=a,hubid=0", "-netdev", "hubport,id=b,hubid=1",
         "-device", "e1000,netdev=a,id=net0,mac=52:54:00:00:00:01",
         "-device", "virtio-net-pci,netdev=b,id=net1"],
        {},
    ),
    "channels": (
        """-chardev socket,id=c,path=/SECRET,server=on -chardev spicevmc,id=d,name=vdagent
        -device '{"driver":"virtserialport","nr":1,"chardev":"c","id":"x","name":"org.a/b"}'
        -device '{"driver":"usb-redir","chardev":"d","id":"redir0"}'""",
        ["-chardev", "null,id=c", "-chardev", "null,id=d",
         "-device", '{"driver":"virtserialport","nr":1,"chardev":"c","id":"x","name":"org.a/b"}',
         "-device", '{"driver":"usb-redir","chardev":"d","id":"redir0"}'],
        {},
    ),
    "sound": (
        "-audiodev pa,id=audio1,server=/SECRET -device hda-duplex,id=c0,audiodev=audio1",
        ["-audiodev", "none,id=audio1", "-device", "hda-duplex,id=c0,audiodev=audio1"],
        {},
    ),
    "entropy and cryptography": (
        "-object rng-egd,id=r,chardev=c -device virtio-rng-pci,rng=r,id=rng0"
        " -object cryptodev-vhost-user,id=k,chardev=c -device virtio-crypto-pci,cryptodev=k,id=y",
        ["-object", "rng-builtin,id=r", "-object", "cryptodev-backend-builtin,id=k",
         "-device", "virtio-rng-pci,rng=r,id=rng0",
         "-device", "virtio-crypto-pci,cryptodev=k,id=y"],
        {},
    ),
    "a host's folder": (
        "-fsdev local,security_model=passthrough,id=f,path=/SECRET"
        " -device virtio-9p-pci,id=fs0,fsdev=f,mount_tag=t",
        ["-fsdev", "synth,id=f", "-device", "virtio-9p-pci,id=fs0,fsdev=f,mount_tag=t"],
        {},
    ),
    "a memory module": (
        "-object memory-backend-file,id=memdimm0,mem-path=/SECRET,size=1G"
        """ -device '{"driver":"pc-dimm","memdev":"memdimm0","id":"dimm0","slot":0}'""",
        ["-object", "memory-backend-memfd,id=memdimm0,size=1073741824,share=on",
         "-device", '{"driver":"pc-dimm","memdev":"memdimm0","id":"dimm0","slot":0}'],
        {},
    ),
    "vsock": (
        """-device '{"driver":"vhost-vsock-pci","id":"v","guest-cid":4,"vhostfd":"31",
"bus":"pci.9","addr":"0x0"}'""",
        ["-device", '{"driver":"virtio-rng-pci","id":"v","bus":"pci.9","addr":"0x0"}'],
        {"vhost-vsock-pci v": (NONE, "v")},
    ),
    "a host's PCI device": (
        "-device vfio-pci,host=0000:06:12.5,id=hostdev0,bus=pci.0,multifunction=on,addr=0x3",
        ["-device", "virtio-rng-pci,id=hostdev0,bus=pci.0,multifunction=on,addr=0x3"],
        {"vfio-pci hostdev0": (CODE, "hostdev0")},
    ),
    "one without a place": (
        "-device vfio-pci,host=06:12.5,id=h", [], {"vfio-pci h": (ALL, None)},
    ),
    "a host's USB device": (
        "-device usb-host,hostbus=1,hostaddr=2,id=h", [], {"usb-host h": (NONE, None)},
    ),
    "a TPM": (
        "-tpmdev emulator,id=tpm0,chardev=c -chardev socket,id=c,path=/SECRET"
        " -device tpm-crb,tpmdev=tpm0,id=tpm0",
        [], {"tpm-crb tpm0": (CODE | {"TPM2", "TCPA"}, None)},
    ),
    "a picture by OpenGL": (
        """-device '{"driver":"virtio-vga-gl","id":"video0","max_outputs":1,"bus":"pcie.0",
"addr":"0x1"}'""",
        ["-device", '{"driver":"virtio-vga","id":"video0","bus":"pcie.0","addr":"0x1"}'],
        {"virtio-vga-gl video0": (NONE, "video0")},
    ),
    "an option ROM of its own": (
        "-netdev user,id=a -device e1000,netdev=a,id=net0,romfile=/SECRET",
        ["-netdev", "hubport,id=a,hubid=0", "-device", "e1000,netdev=a,id=net0,romfile="],
        {"option ROM of e1000 net0": (NONE, None)},
    ),
    "an ACPI table": (
        "-acpitable sig=SLIC,file=/SECRET", [],
        {"ACPI table SLIC": (frozenset({"SLIC", "FACP", "RSDT", "XSDT"}), None)},
    ),
    "a device that is set otherwise": ("-set device.net0.x=1", [], {"-set": (ALL, None)}),
    "what nobody knows": ("-quux /SECRET", [], {"-quux": (ALL, None)}),
    "a firmware's setting": (
        "-fw_cfg name=opt/ovmf/X-PciMmio64Mb,string=65536",
        ["-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string=65536"], {},
    ),
    "a ROM": ("-bios /usr/share/seabios/bios.bin", ["-bios", "/usr/share/seabios/bios.bin"], {}),
    "vCPUs to come": (
        "-smp 1,maxcpus=4,sockets=4", [],
        {"vCPUs that are plugged in after the start": (frozenset({"APIC", "SRAT"}), None)},
    ),
    "all vCPUs": ("-smp 4,maxcpus=4,sockets=4", [], {}),
    "an object that speaks of a device": (
        """-object '{"qom-type":"acpi-generic-initiator","id":"g","pci-dev":"net0","node":0}'""",
        ["-object", '{"qom-type":"acpi-generic-initiator","id":"g","pci-dev":"net0","node":0}'], {},
    ),
}  # fmt: skip
REFUSED = {
    "a confidential guest": "-object sev-guest,id=lsec0,cbitpos=47",
    "broken JSON": "-device '{\"driver\":'",
    "a list for a device": "-device '[1]'",
    "no driver": "-device id=x,bus=pci.0",
    "no back-end of that name": "-device pc-dimm,memdev=gone",
    "firmware from nowhere": "-machine pflash0=gone",
    "firmware that is no file": (
        """-blockdev '{"driver":"nbd","node-name":"n"}' -machine pflash0=n"""
    ),
    "firmware by a relative path": "-bios bios.bin",
    "an irqchip of no kind": "-machine kernel_irqchip=/x",
}

# Each kind of back-end that libvirt's own tests write (tests/qemuxmlconfdata of 11.3, all 831 of
# x86_64), on a device that has one → what is in its place. The options that name a host's own are
# told as /SECRET.
KINDS = {
    "blockdev": (
        "copy-on-read file ftp ftps gluster host_cdrom host_device http https iscsi luks nbd nfs "
        "nvme qcow2 raw rbd ssh throttle virtio-blk-vhost-vdpa vmdk vvfat",
        """-blockdev '{"driver":"KIND","filename":"/SECRET","node-name":"n"}' """
        "-device virtio-blk-pci,drive=n,id=d",
        "null-co",
    ),
    "netdev": (
        "bridge passt socket stream tap user vde vhost-user vhost-vdpa",
        "-netdev KIND,id=n,path=/SECRET -device virtio-net-pci,netdev=n,id=d", "hubport",
    ),
    "chardev": (
        "dbus file null parallel pipe pty qemu-vdagent serial socket spiceport spicevmc stdio udp "
        "vc",
        "-chardev KIND,id=n,path=/SECRET -device isa-serial,chardev=n,id=d", "null",
    ),
    "chardev as JSON": (
        "dbus file null parallel pipe pty qemu-vdagent serial socket spiceport spicevmc stdio udp "
        "vc",
        """-chardev '{"id":"n","backend":{"type":"KIND","data":{"device":"/SECRET"}}}' """
        "-device isa-serial,chardev=n,id=d", "null",
    ),
    "audiodev": (
        "alsa coreaudio dbus jack none oss pa pipewire sdl spice wav",
        "-audiodev KIND,id=n,path=/SECRET -device hda-duplex,audiodev=n,id=d", "none",
    ),
    "fsdev": (
        "handle local proxy",
        "-fsdev KIND,id=n,path=/SECRET -device virtio-9p-pci,fsdev=n,id=d,mount_tag=t", "synth",
    ),
    "rng": (
        "rng-builtin rng-egd rng-random",
        "-object KIND,id=n,filename=/SECRET -device virtio-rng-pci,rng=n,id=d", "rng-builtin",
    ),
    "memory": (
        "memory-backend-file memory-backend-memfd memory-backend-ram",
        "-object KIND,id=n,mem-path=/SECRET,size=64M -device pc-dimm,memdev=n,id=d",
        "memory-backend-memfd",
    ),
    "crypto": (
        "cryptodev-backend-builtin cryptodev-backend-lkcf cryptodev-vhost-user",
        "-object KIND,id=n,chardev=/SECRET -device virtio-crypto-pci,cryptodev=n,id=d",
        "cryptodev-backend-builtin",
    ),
    "of no device": (
        "input-linux iothread main-loop pr-manager-helper secret thread-context throttle-group "
        "tls-creds-x509",
        "-object KIND,id=n,path=/SECRET -device pc-testdev,id=d", "",
    ),
}  # fmt: skip
ROWS = [(kind, line, made) for kinds, line, made in KINDS.values() for kind in kinds.split()]


def taken(line: str) -> RehearsalOptions:
    return from_domain(shlex.split(line), "x86_64")


@pytest.mark.parametrize("row", DEVICES.values(), ids=DEVICES.keys())
def test_a_device_stays_and_its_back_end_does_not(
    row: tuple[str, list[str], dict[str, tuple[frozenset[str], str | None]]],
) -> None:
    line, rehearsed, left = row
    options = taken(f"{BARE} {line}")
    assert list(options.devices) == rehearsed
    assert {one.what: (one.tables, one.stand_in) for one in options.left_out} == left
    assert "SECRET" not in " ".join(options.command())


@pytest.mark.parametrize(("kind", "line", "made"), ROWS, ids=[f"{row[0]}" for row in ROWS])
def test_no_kind_of_back_end_is_opened(kind: str, line: str, made: str) -> None:
    options = taken(f"{BARE} {line.replace('KIND', kind)}")
    assert "SECRET" not in " ".join(options.command(9))
    assert options.left_out == ()
    back_ends = [value for word, value in pairwise(options.devices) if word != "-device"]
    back_ends = [value for value in back_ends if not value.startswith("-")]
    assert len(back_ends) == bool(made)
    assert all(made in value for value in back_ends)


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_rehearsed_is_said(line: str) -> None:
    with pytest.raises(OptionsError):
        taken(f"{BARE} {line}")


def test_a_whole_domain() -> None:
    options = taken(WHOLE)
    words = options.command(9)
    assert options.left_out == ()
    assert "SECRET" not in " ".join(words)
    machine = "pc-q35-7.2,usb=off,memory-backend=probe.ram,kernel_irqchip=split,\
pflash0=rehearsal-code,pflash1=rehearsal-store"
    assert words[:2] == ("-machine", machine)
    nodes = [json.loads(value) for option, value in pairwise(words) if option == "-blockdev"]
    assert {node["node-name"]: node.get("filename", node["driver"]) for node in nodes} == {
        "rehearsal-code-file": "/usr/share/OVMF/CODE.fd",
        "rehearsal-code": "raw",
        "rehearsal-store-file": "/dev/fdset/918",
        "rehearsal-store": "raw",
        "libvirt-2-format": "null-co",
    }
    assert all(node["locking"] == "off" for node in nodes if node["driver"] == "file")
    assert nodes[0]["read-only"] is nodes[-1]["read-only"] is True
    assert ("-add-fd", "fd=9,set=918") in set(pairwise(words))
    devices = [json.loads(value) for option, value in pairwise(words) if option == "-device"]
    assert [device["id"] for device in devices] == ["pci.1", "virtio-disk0", "net0", "serial0"]
    assert devices[1]["serial"] == "S/1"
    assert "iothread" not in devices[1]
    assert options.memory == 512 << 20
    emulated = options.without_kvm()
    assert "kernel_irqchip" not in emulated.command()[1]
    assert (options.machine.accelerator, emulated.machine.accelerator) == (KVM, "tcg")


def test_firmware_of_the_older_form() -> None:
    options = taken(
        f"{BARE} -drive file=/usr/share/OVMF/CODE.fd,if=pflash,format=raw,unit=0,readonly=on"
        " -drive file=/SECRET,if=pflash,format=raw,unit=1"
    )
    assert options.flash is not None
    assert (options.flash.code, options.flash.store) == ("/usr/share/OVMF/CODE.fd", True)
    assert "SECRET" not in " ".join(options.command(9))


NAMES = st.sampled_from(["drive", "netdev", "chardev", "romfile", "path", "host", "x", "evdev"])
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["/SECRET", "a,,b"]),
    st.booleans(),
    st.none(),
    st.integers(),
    st.lists(st.just("/SECRET"), max_size=2),
)
DRIVERS = st.sampled_from(["virtio-blk-pci", "e1000", "usb-host", "vfio-pci", "loader", "tpm-tis"])


@given(device=st.dictionaries(NAMES, VALUES), driver=DRIVERS, name=st.from_regex(r"\A[a-z]{1,5}\Z"))
def test_no_device_leads_to_a_file(device: dict[str, object], driver: str, name: str) -> None:
    """Whatever its properties are: it is rehearsed without one that names a file, or is named."""
    value = json.dumps(device | {"driver": driver, "id": name})
    options = from_domain([*shlex.split(BARE), "-device", value], "x86_64")
    written = [json.loads(one) for word, one in pairwise(options.devices) if word == "-device"]
    for one in written:
        # These are no files' names but their back-ends', which are made.
        plain = {key: one[key] for key in one.keys() - {"drive", "netdev", "chardev"}}
        assert "/" not in str(plain)
    assert written or any(name in one.what for one in options.left_out)


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_words_are_options_or_an_error(words: list[str]) -> None:
    with contextlib.suppress(OptionsError):
        from_domain([*shlex.split(BARE), *words], "x86_64").command(3)

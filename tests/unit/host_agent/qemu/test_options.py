"""QEMU's command lines, as libvirt writes them, and what of them decides a guest's tables."""

import contextlib
import json
import shlex
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.smbios_fields import PROCESSOR_ID
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.options import (
    KVM,
    TCG,
    ProbeOptions,
    bare,
    devices_for_roms,
    from_command_line,
    from_text,
    to_text,
)

UUID = "00112233-4455-6677-8899-aabbccddeeff"
# libvirt 9 to 11, x86: what stands before and after in every command line.
HEAD = """/usr/bin/qemu-system-x86_64 -name guest=vm1,debug-threads=on -S
-object '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/SECRET/master-key.aes"}'"""
TAIL = f"""-uuid {UUID} -no-user-config -nodefaults -chardev socket,id=charmonitor,fd=32,server=on
-mon chardev=charmonitor,id=monitor,mode=control -rtc base=utc,driftfix=slew
-no-shutdown -boot strict=on
-device '{{"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci.1","bus":"pcie.0"}}'
-object '{{"qom-type":"secret","id":"libvirt-1-storage-secret0","data":"SECRET","iv":"SECRET"}}'
-blockdev '{{"driver":"file","filename":"/DISK/a.qcow2","node-name":"libvirt-1-storage"}}'
-device '{{"driver":"virtio-blk-pci","bus":"pci.4","drive":"libvirt-1-storage","id":"DISK"}}'
-netdev '{{"type":"tap","fd":"34","vhost":true,"id":"hostnet0"}}' -chardev pty,id=charserial0
-fw_cfg name=opt/com.example/password,string=SECRET -vnc 127.0.0.1:0,password-secret=SECRET
-sandbox on,obsolete=deny,spawn=deny -msg timestamp=on"""
I440FX = f"""LC_ALL=C PATH=/usr/bin HOME=/var/lib/libvirt {HEAD}
-machine pc-i440fx-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram -accel kvm
-cpu qemu64 -m 512 -object '{{"qom-type":"memory-backend-ram","id":"pc.ram","size":536870912}}'
-global kvm-pit.lost_tick_policy=delay -overcommit mem-lock=off
-smp 1,sockets=1,cores=1,threads=1 {TAIL}"""
Q35 = f"""{HEAD} -blockdev '{{"driver":"file","filename":"/DISK/OVMF.fd","node-name":"pflash0"}}'
-machine pc-q35-7.2,usb=off,vmport=off,smm=on,kernel_irqchip=split,dump-guest-core=off,\
pflash0=pflash0,pflash1=pflash1,memory-backend=pc.ram,hpet=off,acpi=on
-accel kvm -cpu host,migratable=on,hv-time=on,hv_relaxed,kvm=off,host-phys-bits=on,-vmx,enforce
-global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1
-m size=1048576k,slots=16,maxmem=4194304k
-object memory-backend-file,id=pc.ram,mem-path=/HUGE/libvirt,prealloc=yes,size=1073741824,\
host-nodes=0-1,policy=bind
-smp 4,maxcpus=8,sockets=8,dies=1,cores=1,threads=1
-smbios 'type=1,manufacturer=A,,B,product=OpenStack Nova,serial=1' -smbios type=11,value=one
-object '{{"qom-type":"sev-guest","id":"lsec0","cbitpos":47,"session-file":"/SECRET/s"}}' {TAIL}"""
NUMA = f"""{HEAD} -machine pc-q35-10.0,usb=off,hmat=on,nvdimm=on,x-oem-id=A,,B \
-accel kvm,kernel-irqchip=on -accel tcg -cpu EPYC-Milan,topoext=on -mem-prealloc
-m size=1073741824k,slots=2,maxmem=2147483648k -smp 8,sockets=2,cores=4,threads=1
-object '{{"qom-type":"memory-backend-memfd","id":"ram-node0","hugetlb":true,
"share":true,"prealloc":true,"size":549755813888,"host-nodes":[0],"policy":"bind"}}'
-numa node,nodeid=0,cpus=0-1,cpus=4-5,initiator=0,memdev=ram-node0
-object memory-backend-ram,id=ram-node1,size=524288M,host-nodes=1,policy=bind
-numa node,nodeid=1,cpus=2-3,cpus=6-7,memdev=ram-node1 -numa dist,src=0,dst=1,val=21
-numa hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,latency=5
-object memory-backend-file,id=memdimm0,mem-path=/HUGE/dimm,size=1G
-device '{{"driver":"pc-dimm","memdev":"memdimm0","id":"dimm0","slot":0}}' {TAIL}"""
OLD = f"""{HEAD} -machine pc-i440fx-4.2,accel=kvm,usb=off -cpu Nehalem -m 1024 -realtime mlock=off
-smp 2,sockets=2 -numa node,nodeid=0,cpus=0,mem=512 -numa node,nodeid=1,cpus=1,mem=512
-no-acpi -no-hpet -enable-fips {TAIL}"""
ARM = f"""/usr/bin/qemu-system-aarch64 -name guest=vm2 -S
-machine virt-7.2,usb=off,gic-version=2,dump-guest-core=off,memory-backend=mach-virt.ram
-accel kvm -cpu host,sve=off -m size=2097152k
-object '{{"qom-type":"memory-backend-ram","id":"mach-virt.ram","size":2147483648}}'
-smp 2,sockets=1,cores=2 {TAIL}"""
RAM = "memory-backend-memfd,id={},size={},share=on"


def taken(line: str, architecture: str = "x86_64") -> ProbeOptions:
    return from_command_line(shlex.split(line), architecture)


def values(options: ProbeOptions, name: str) -> list[str]:
    """All values of an option of a probe."""
    words = options.command()
    return [value for word, value in pairwise(words) if word == f"-{name}"]


@pytest.mark.parametrize(
    ("line", "machine", "vcpus", "kept"),
    [
        (I440FX, "pc-i440fx-7.2,usb=off,memory-backend=probe.ram", 1,
         {"m": ["512"], "smp": ["1,sockets=1,cores=1,threads=1"], "cpu": ["qemu64"],
          "object": [RAM.format("probe.ram", 1 << 29)], "smbios": [], "numa": [],
          "global": ["kvm-pit.lost_tick_policy=delay"]}),
        (Q35, "pc-q35-7.2,usb=off,vmport=off,smm=on,hpet=off,acpi=on,memory-backend=probe.ram", 8,
         {"m": ["size=1048576k,slots=16,maxmem=4194304k"],
          "object": [RAM.format("probe.ram", 1 << 30)],
          "smp": ["4,maxcpus=8,sockets=8,dies=1,cores=1,threads=1"],
          "smbios": ["type=1,manufacturer=A,,B,product=OpenStack Nova,serial=1",
                     "type=11,value=one"],
          "global": ["driver=cfi.pflash01,property=secure,value=on",
                     "ICH9-LPC.disable_s3=1"]}),
        (NUMA, "pc-q35-10.0,usb=off,hmat=on,nvdimm=on,x-oem-id=A,,B", 8,
         {"m": ["size=1073741824k,slots=2,maxmem=2147483648k"],
          "object": [RAM.format("ram-node0", 1 << 39), RAM.format("ram-node1", 1 << 39)],
          "smp": ["8,sockets=2,cores=4,threads=1"],
          "numa": ["node,nodeid=0,cpus=0-1,cpus=4-5,initiator=0,memdev=ram-node0",
                   "node,nodeid=1,cpus=2-3,cpus=6-7,memdev=ram-node1", "dist,src=0,dst=1,val=21",
                   "hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,"
                   "latency=5"]}),
        (OLD, "pc-i440fx-4.2,usb=off", 2,
         {"object": [RAM.format("probe.ram0", 1 << 29), RAM.format("probe.ram1", 1 << 29)],
          "numa": ["node,nodeid=0,cpus=0,memdev=probe.ram0",
                   "node,nodeid=1,cpus=1,memdev=probe.ram1"]}),
        (ARM, "virt-7.2,usb=off,gic-version=2,memory-backend=probe.ram", 2,
         {"object": [RAM.format("probe.ram", 1 << 31)], "cpu": ["host,sve=off"]}),
    ],
    ids=["i440fx", "q35", "numa", "old", "arm"],
)  # fmt: skip
def test_what_decides_the_tables_is_kept(
    line: str, machine: str, vcpus: int, kept: dict[str, list[str]]
) -> None:
    options = taken(line)
    assert (options.machine, options.accelerator, options.vcpus) == (machine, KVM, vcpus)
    assert {name: values(options, name) for name in kept} == kept
    assert values(options, "uuid") == [UUID]
    assert options.type == machine.split(",", maxsplit=1)[0]
    assert options.masked == frozenset()


@pytest.mark.parametrize("line", [I440FX, Q35, NUMA, OLD, ARM])
def test_secrets_disks_and_back_ends_never_survive(line: str) -> None:
    options = taken(line)
    everything = " ".join(options.command() + options.without_kvm().command())
    for word in (
        "SECRET",
        "DISK",
        "HUGE",
        "secret",
        "blockdev",
        "netdev",
        "chardev",
        "drive=",
        "fw_cfg",
        "pflash0=",
        "pflash1=",
        "prealloc",
        "policy=bind",
        "host-nodes",
        "hugetlb",
        "mem-path",
        "sev",
        "vnc",
        "-name",
        "irqchip",
        "pc-dimm",
        "memdimm",
        "-device",
    ):
        assert word not in everything
    names = {word for word in options.command() if word.startswith("-")}
    assert names <= {
        "-machine",
        "-accel",
        "-m",
        "-smp",
        "-cpu",
        "-uuid",
        "-smbios",
        "-global",
        "-object",
        "-numa",
        "-no-acpi",
        "-no-hpet",
    }


def test_options_without_a_value_swallow_nothing() -> None:
    options = taken("q -no-acpi -mem-prealloc -smp 3 -enable-fips -m 64 -s -M pc --no-hpet -S")
    assert options.command() == (
        "-machine",
        "pc,memory-backend=probe.ram",
        "-accel",
        "tcg,tb-size=8",
        "-no-acpi",
        "-smp",
        "3",
        "-m",
        "64",
        "-no-hpet",
        "-object",
        RAM.format("probe.ram", 64 << 20),
    )


@pytest.mark.parametrize(
    ("line", "machine"),
    [
        ("-machine type=q35,usb=off", "q35,usb=off"),
        ("-machine usb=off,type=q35", "q35,usb=off"),
        ("-M q35", "q35"),
        ("-machine q35,usb=off -machine kernel_irqchip=on -machine smm=on,usb=on",
         "q35,usb=on,smm=on"),
        ("-machine q35 -machine pc", "pc"),
        ("-machine q35,nvdimm", "q35,nvdimm=on"),
        ("-machine virt,spcr=off,iommu=smmuv3", "virt,spcr=off,iommu=smmuv3"),
        ("-machine q35,sgx-epc.0.memdev=epc0,sgx-epc.0.node=0", "q35"),
        ("-machine q35,igvm-cfg=i,audiodev=a,shim=/FILE,boot.splash=/FILE,new=/FILE", "q35"),
        ('-machine {"type":"q35","x":"a,firmware=b"}', "q35,x=a,,firmware=b"),
        ("-machine q35,x-oem-id=A/B", "q35,x-oem-id=A/B"),
        ("-machine q35,confidential-guest-support=lsec0,memory-encryption=sev0", "q35"),
    ],
)  # fmt: skip
def test_machine(line: str, machine: str) -> None:
    assert (
        from_command_line(["qemu", *line.split(" ")], "x86_64").machine
        == f"{machine},memory-backend=probe.ram"
    )


@pytest.mark.parametrize(
    ("line", "accelerator"),
    [
        ("", TCG), ("-accel kvm", KVM), ("-accel kvm,dirty-ring-size=4096", KVM),
        ("-accel tcg,thread=multi", TCG), ("-accel accel=kvm", KVM), ("-enable-kvm", KVM),
        ("-machine accel=kvm:tcg", KVM), ("-machine accel=tcg", TCG), ("-accel hvf", "hvf"),
        ("-accel kvm -accel tcg", KVM), ("-accel tcg -accel kvm", TCG),
    ],
)  # fmt: skip
def test_accelerator(line: str, accelerator: str) -> None:
    assert taken(f"qemu -machine pc {line}").accelerator == accelerator


@pytest.mark.parametrize(
    ("smp", "vcpus"),
    [
        ("4", 4), ("cpus=4", 4), ("4,maxcpus=8", 8), ("sockets=2,cores=2,cpus=4", 4),
        ("sockets=2,cores=3,threads=2", 12), ("2,maxcpus=4 -smp maxcpus=6", 6), ("4096", 4096),
    ],
)  # fmt: skip
def test_vcpus(smp: str, vcpus: int) -> None:
    assert taken(f"qemu -machine pc -smp {smp}").vcpus == vcpus


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        ("", 128 << 20), ("-m 64", 64 << 20), ("-m 1G", 1 << 30), ("-m 1048576k", 1 << 30),
        ("-m size=2048M,slots=4,maxmem=1T", 1 << 31), ("-m slots=4,maxmem=8G,size=2g", 1 << 31),
        ("-m 1073741824k", 1 << 40), ("-m 1024b", 1024), ("-m 64 -m slots=2,maxmem=1G", 64 << 20),
    ],
)  # fmt: skip
def test_memory(memory: str, size: int) -> None:
    options = taken(f"qemu -machine pc {memory}")
    assert values(options, "object") == [RAM.format("probe.ram", size)]


def test_a_node_without_memory_has_none() -> None:
    numa = "-numa node,nodeid=0,mem=64 -numa node,nodeid=1,mem=0 -numa cpu,node-id=0,socket-id=0"
    options = taken(f"qemu -machine pc -m 64 {numa}")
    assert values(options, "numa") == [
        "node,nodeid=0,memdev=probe.ram0",
        "node,nodeid=1",
        "cpu,node-id=0,socket-id=0",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "names no machine type"),
        ("-machine", "names no machine type"),
        ("-machine usb=off", "names no machine type"),
        ("-machine pc -m lots", "'lots' is no size"),
        ("-machine pc -m 1.5G", "'1.5G' is no size"),
        (f"-machine pc -m {'9' * 5000}", "is no size"),
        ("-machine pc -smp", "is no number of vCPUs"),
        ("-machine pc -smp few", "is no number of vCPUs"),
        ("-machine pc -smp \u00b2", "is no number of vCPUs"),
        ("-machine pc -smp 4097", "is no number of vCPUs"),
        (f"-machine pc -smp {'9' * 5000}", "is no number of vCPUs"),
        ("-machine pc -smp 2,maxcpus=many", "is no number of vCPUs"),
        ("-machine pc -object '{broken'", "broken JSON"),
        (f"-machine pc -object '{{\"a\":{'[' * 100_000}'", "broken JSON"),
        ("-machine pc -numa node,memdev=gone", "no memory back-end 'gone'"),
        ("-machine pc -object memory-backend-ram,id=a,size=x", "'x' is no size"),
        ('-machine pc -object \'{"qom-type":"memory-backend-ram","size":1e99}\'', "is no size"),
        ("-machine pc,smp.cpus=9", "gives smp.cpus to -machine"),
        ("-machine pc,memory.size=9T", "gives memory.size to -machine"),
        ("-machine p/c", "is no word"),
        ("-machine pc -accel k/vm", "is no word"),
    ],
    ids=range(21),
)
def test_what_can_not_be_probed_is_refused(line: str, said: str) -> None:
    with pytest.raises(OptionsError, match=said):
        taken(f"qemu {line}")


@pytest.mark.parametrize("line", ["-object {}", "-object ''", "-object secret", "-S -", "-- x"])
def test_what_matters_nothing_may_be_odd(line: str) -> None:
    assert taken(f"qemu -machine pc {line}").machine == "pc,memory-backend=probe.ram"


@pytest.mark.parametrize(
    ("cpu", "without"),
    [
        ("host", "max"),
        ("host,migratable=on,hv-time=on,hv_relaxed,kvm=off,host-phys-bits=on,-vmx,enforce",
         "max,kvm=off,-vmx"),
        ("base,check=on,kvm-pv-eoi=off,kvm_steal_time", "max"),
        ("Nehalem,+ssse3,enforce=on", "Nehalem,+ssse3"),
        ("qemu64", "qemu64"),
    ],
)  # fmt: skip
def test_without_kvm_the_cpu_is_one_that_can_be_emulated(cpu: str, without: str) -> None:
    options = taken(f"qemu -machine pc -accel kvm -cpu {cpu} -uuid {UUID}").without_kvm()
    assert values(options, "cpu") == [without]
    assert values(options, "accel") == ["tcg,tb-size=8"]
    assert values(options, "uuid") == [UUID]


@pytest.mark.parametrize(
    ("line", "architecture", "masked"),
    [
        (Q35, "x86_64", {(4, PROCESSOR_ID)}),
        (ARM, "aarch64", {(4, PROCESSOR_ID), (1, "Product Name")}),
        ("qemu -machine virt", "aarch64", set()),
    ],
)
def test_without_kvm_what_depends_on_it_is_masked(
    line: str, architecture: str, masked: set[tuple[int, str]]
) -> None:
    options = taken(line, architecture)
    assert options.without_kvm().masked == masked
    assert options.without_kvm().without_kvm() == options.without_kvm()
    assert (options.without_kvm() == options) is not bool(masked)


def test_a_machine_type_alone() -> None:
    options = bare("pc-q35-7.2", "x86_64", ["VGA", "e1000"], memory=256)
    assert " ".join(options.command()) == (
        "-machine pc-q35-7.2 -accel tcg,tb-size=8 -m 256 -smp 1 -device VGA -device e1000"
    )
    assert values(bare("virt-7.2", "aarch64"), "cpu") == ["cortex-a57"]
    assert devices_for_roms({"e1000", "nothing", "VGA"}) == ("VGA", "e1000")


def test_devices_that_write_smbios_structures_are_kept() -> None:
    line = "qemu -machine pc -device ipmi-bmc-sim,id=b -device isa-ipmi-kcs,bmc=b -device e1000"
    assert values(taken(line), "device") == ["ipmi-bmc-sim,id=b", "isa-ipmi-kcs,bmc=b"]


def test_what_names_a_file_is_not_kept() -> None:
    bmc = "ipmi-bmc-sim,id=b,frudatafile=/FILE,sdrfile=/FILE"
    assert values(taken(f"qemu -machine pc -device {bmc}"), "device") == ["ipmi-bmc-sim,id=b"]
    line = "qemu -machine pc -global pc.file=/FILE -global driver=a,property=b,value=/FILE"
    assert values(taken(line), "global") == []


@pytest.mark.parametrize("line", [I440FX, Q35, NUMA, OLD, ARM])
def test_what_is_kept_is_read_again(line: str) -> None:
    options = taken(line, "aarch64" if line is ARM else "x86_64")
    assert from_text(to_text(options)) == options


MORE_OPTIONS = [
    ["-monitor", "tcp:127.0.0.1:0"], ["-mon", "chardev=qmp"], ["-chardev", "null,id=a"],
    ["-device", "e1000"], ["-device", "ipmi-bmc-sim,id=b,sdrfile=/FILE"],
    ["-global", "a.b=/FILE"], ["-D", "/FILE"], ["-pidfile", "/FILE"], ["-daemonize"],
    ["-object", "memory-backend-ram,id=more,size=1G,prealloc=on"],
    ["-object", "memory-backend-memfd,id=probe.ram,size=536870912,share=on,prealloc=on"],
    ["-object", RAM.format("more", 1 << 30)], ["-numa", "node,mem=5G"],
    ["-m", "1G"], ["-smp", "4"], ["-machine", "usb=on"], ["-accel", "tcg"], ["--uuid", UUID],
    ["-smbios", "file=/FILE"], ["-smbios", "type=11,path=/FILE"], ["-smbios", "nofile"],
    ["-smbios", "type=1,serial=\0"], ["/FILE"], ["-S"], ["-readconfig", "/FILE"], ["-version"],
]  # fmt: skip


@pytest.mark.parametrize("more", MORE_OPTIONS, ids=" ".join)
def test_options_that_are_not_kept_of_a_domain_are_not_taken(more: list[str]) -> None:
    form = json.loads(to_text(taken(I440FX)))
    with pytest.raises(OptionsError, match="the kept options of QEMU"):
        from_text(json.dumps({**form, "arguments": form["arguments"] + more}))


@pytest.mark.parametrize("value", ["file=/FILE", "type=11,path=/FILE", "nofile"])
def test_no_file_of_tables_is_taken_where_others_are(value: str) -> None:
    """At its own place among the options, where nothing else is wrong."""
    form = json.loads(to_text(taken(I440FX)))
    ours = ["-smbios", "type=11,value=x"]
    from_text(json.dumps({**form, "arguments": ours + form["arguments"]}))
    with pytest.raises(OptionsError, match="name a file"):
        from_text(json.dumps({**form, "arguments": ["-smbios", value, *form["arguments"]]}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"machine": "pc,memory-backend=probe.ram,firmware=/FILE"}, {"machine": ""},
        {"machine": "pc,dumpdtb=/FILE,memory-backend=probe.ram"}, {"machine": "/FILE"},
        {"accelerator": "tcg,one-insn-per-tb=on"}, {"accelerator": "kvm:tcg"},
        {"architecture": "../x86_64"}, {"vcpus": 2}, {"vcpus": True}, {"vcpus": 1.0},
        {"vcpus": 0}, {"vcpus": None}, {"arguments": "-S"}, {"arguments": [["-S"]]},
        {"arguments": ["-S"] * 20_000}, {"machine": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_form_that_is_not_ours_is_not_taken(wrong: dict[str, object]) -> None:
    form = json.loads(to_text(taken(I440FX)))
    with pytest.raises(OptionsError):
        from_text(json.dumps({**form, **wrong}))


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, "{}", "x" * 300_000, "NaN"])
def test_a_text_that_is_none_is_not_taken(text: str) -> None:
    with pytest.raises(OptionsError):
        from_text(text)


@pytest.mark.parametrize(
    ("line", "memory"), [(I440FX, 1 << 29), (NUMA, 1 << 40), ("qemu -M pc", 128 << 20)]
)
def test_shared_memory_is_counted(line: str, memory: int) -> None:
    assert taken(line).memory == memory
    assert bare("pc", "x86_64").memory == 0


WORDS = st.sampled_from(
    [*shlex.split(Q35), *shlex.split(NUMA), "-machine", "-numa", "-object", "-smp", "-m", "{", ","]
)


@given(st.lists(WORDS | st.text(max_size=12), max_size=12))
def test_no_command_line_breaks_it(words: list[str]) -> None:
    with contextlib.suppress(OptionsError):
        assert from_command_line(words, "x86_64").command()


@given(st.lists(WORDS | st.text(max_size=12), max_size=12))
def test_whatever_is_kept_is_read_again(words: list[str]) -> None:
    """Or it names a file."""
    try:
        options = from_command_line(words, "x86_64")
        again = from_text(to_text(options))
    except OptionsError as error:
        assert not str(error).endswith("not those that are kept of a domain")
    else:
        assert again == options


@given(
    st.sampled_from(["machine", "smp", "m", "numa", "object", "accel", "cpu"]),
    st.text('{}[]":,=0129kmgT memdvpctyo-', max_size=30),
)
def test_no_value_breaks_it(name: str, value: str) -> None:
    with contextlib.suppress(OptionsError):
        from_command_line(["qemu", "-machine", "pc", f"-{name}", value], "x86_64")


def test_much_memory_is_shared() -> None:
    options = bare("virt", "loongarch64", memory=2048)
    assert (options.type, options.memory) == ("virt", 2 << 30)
    assert "memory-backend=probe.ram" in options.machine

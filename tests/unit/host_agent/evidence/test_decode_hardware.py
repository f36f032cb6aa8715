"""What guests say of their hardware: captured reports, and whatever else may come."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_agent import checks
from host_agent.case.case import Occasion
from host_agent.evidence import decode_hardware
from host_agent.evidence.hardware import Cpu, Hardware, LuksToken, Memory, Tpm, TpmEvent, Uefi
from host_agent.finding import Outcome
from host_agent.missing import Missing, Reason
from samemachine.v1 import guest_pb2
from tests.unit.host_agent.shared.cases import BASELINE, OBSERVATION, case, report
from tests.unit.host_agent.shared.reports import REPORTS

ABSENT = Missing(reason=Reason.ABSENT, sentence="not there")
FIELDS = (
    "platform", "cpu", "memory", "pci", "virtio", "acpi", "network", "block", "clock", "uefi",
    "tpm",
)  # fmt: skip


def decoded(found: guest_pb2.Report) -> Hardware:
    return decode_hardware.hardware(found, lambda group: ABSENT)


@pytest.mark.parametrize("guest", ["i440fx", "q35"])
def test_what_real_guests_say_is_valid(guest: str) -> None:
    hardware = decoded(report(guest))
    missing = [name for name in FIELDS if isinstance(getattr(hardware, name), Missing)]
    assert missing == ["platform", "uefi", "tpm"]
    assert isinstance(hardware.cpu, Cpu)
    assert isinstance(hardware.cpu.cpuid, tuple)
    assert isinstance(hardware.network, tuple)
    assert all(one.mac.startswith("52:54:00:") for one in hardware.network)


def test_nothing_is_nothing() -> None:
    assert decoded(guest_pb2.Report()) == Hardware(**dict.fromkeys(FIELDS, ABSENT))


def changed(change: Callable[[Any], object]) -> Hardware:
    found = report("q35")
    change(found)
    return decoded(found)


def twice(items: Any) -> None:
    items.add().CopyFrom(items[0])


def more(items: Any, most: int) -> None:
    for _ in range(most + 1 - len(items)):
        items.add().CopyFrom(items[0])


def databases(found: guest_pb2.Report, *names: str) -> None:
    for name in names:
        found.uefi.databases.add(name=name, size_bytes=1, sha256=bytes(32))


def tpm(found: guest_pb2.Report, *, registers: int = 8, key: str = "", **token: Any) -> None:
    found.tpm.endorsement_sha256 = key
    found.tpm.pcrs.extend([bytes(32)] * registers)
    found.tpm.luks_read = True
    found.tpm.luks_tokens.add(device="vda3", type="systemd-tpm2", **token)


def event_of_register_8(found: guest_pb2.Report) -> None:
    tpm(found)
    found.tpm.events.add(pcr=8, sha256=bytes(32))


def test_what_a_guest_says_of_its_tpm() -> None:
    def change(found: guest_pb2.Report) -> None:
        tpm(found, key="ab" * 32, bound=True, pcrs=[7], bank="sha256", signed_pcrs=[11])
        found.tpm.luks_tokens.add(device="vdb", type="clevis", pin="tang")
        found.tpm.log_sha256 = b"l" * 32
        found.tpm.events.add(pcr=7, type=0x80000001, sha256=b"e" * 32)

    assert changed(change).tpm == Tpm(
        pcrs=("00" * 32,) * 8,
        log="6c" * 32,
        events=(TpmEvent(pcr=7, type=0x80000001, sha256="65" * 32),),
        tokens=(
            LuksToken(
                device="vda3",
                type="systemd-tpm2",
                pin="",
                pcrs=(7,),
                bank="sha256",
                signed_pcrs=(11,),
            ),
            LuksToken(device="vdb", type="clevis", pin="tang", pcrs=None, bank="", signed_pcrs=()),
        ),
        endorsement="ab" * 32,
    )


def test_where_no_token_can_be_had() -> None:
    found = changed(lambda r: r.tpm.pcrs.extend([bytes(32)] * 8)).tpm
    assert isinstance(found, Tpm)
    assert found.tokens is None
    assert found.log is None


def test_what_a_guest_says_of_its_uefi() -> None:
    def change(found: guest_pb2.Report) -> None:
        found.uefi.secure_boot = guest_pb2.UEFI_SWITCH_ON
        databases(found, "PK", "db")

    assert changed(change).uefi == Uefi(
        secure_boot=True, setup_mode=None, databases=dict.fromkeys(("PK", "db"), "00" * 32)
    )


@pytest.mark.parametrize(
    ("field", "change", "why"),
    [
        ("pci", lambda r: twice(r.pci.functions), "two of one address"),
        ("pci", lambda r: more(r.pci.functions, 4096), "4097 functions, more than 4096"),
        ("pci", lambda r: setattr(r.pci.functions[0], "address", "00:01.0"), "no PCI address"),
        ("pci", lambda r: setattr(r.pci.functions[0], "address", "0000:00:01.0\n"), "no PCI"),
        ("pci", lambda r: setattr(r.pci.functions[0], "bridge", "x\x1b[2J"), "no PCI address"),
        ("pci", lambda r: setattr(r.pci.functions[0], "vendor", 1 << 16), "no vendor"),
        ("pci", lambda r: setattr(r.pci.functions[0], "class_code", 1 << 24), "no class code"),
        ("virtio", lambda r: setattr(r.virtio.devices[0], "parent", ""), "a parent is empty"),
        ("virtio", lambda r: more(r.virtio.devices, 2048), "more than 2048"),
        ("acpi", lambda r: twice(r.acpi.tables), "two of one signature"),
        ("acpi", lambda r: setattr(r.acpi.tables[0], "sha256", b"x"), "a SHA-256 has 1 bytes"),
        ("acpi", lambda r: setattr(r.acpi.tables[0], "content_sha256", b"x"), "has 1 bytes"),
        ("acpi", lambda r: setattr(r.acpi.tables[0], "signature", "\x1b"), "no signature"),
        ("acpi", lambda r: more(r.acpi.tables, 256), "more than 256"),
        ("network", lambda r: setattr(r.network.interfaces[0], "mac", "52:54"), "no MAC address"),
        ("network", lambda r: setattr(r.network.interfaces[0], "mac", "AA:" * 5 + "AA"), "no MAC"),
        ("network", lambda r: twice(r.network.interfaces), "two of one name"),
        ("network", lambda r: more(r.network.interfaces, 2048), "more than 2048"),
        ("block", lambda r: twice(r.block.devices), "two of one name"),
        ("block", lambda r: more(r.block.devices, 4096), "more than 4096"),
        ("block", lambda r: setattr(r.block.devices[0], "size_bytes", 1 << 63), "no size"),
        ("memory", lambda r: setattr(r.memory, "total_bytes", 0), "there is none"),
        ("memory", lambda r: setattr(r.memory, "online_bytes", (1 << 64) - 1), "no size"),
        ("cpu", lambda r: setattr(r.cpu, "online", 0), "no processor is online"),
        ("cpu", lambda r: setattr(r.cpu, "online", 1 << 21), "no number of processors"),
        ("cpu", lambda r: twice(r.cpu.live_cpuid), "two of one CPUID leaf"),
        ("cpu", lambda r: more(r.cpu.live_cpuid, 1024), "1025 CPUID leaves"),
        ("cpu", lambda r: r.cpu.flags.extend(map(str, range(1025))), "flags, more than 1024"),
        ("cpu", lambda r: r.cpu.flags.append(" "), "a flag is empty"),
        ("platform", lambda r: setattr(r.platform, "device_tree_uuid", "x"), "no UUID"),
        ("platform", lambda r: r.platform.device_tree_compatible.extend("x" * 1025), "more than"),
        ("uefi", lambda r: r.uefi.databases.add(name="MokList", sha256=bytes(32)), "no database"),
        ("uefi", lambda r: r.uefi.databases.add(name="db", sha256=b"x"), "a SHA-256 has 1 bytes"),
        ("uefi", lambda r: databases(r, "db", "db"), "two of one name"),
        ("tpm", lambda r: tpm(r, registers=7), "7 registers, not 8"),
        ("tpm", lambda r: r.tpm.pcrs.extend([b"x"] * 8), "a SHA-256 has 1 bytes"),
        ("tpm", lambda r: tpm(r, signed_pcrs=[24]), "a register that no TPM has"),
        ("tpm", lambda r: tpm(r, signed_pcrs=[1] * 25), "25 registers, more than 24"),
        ("tpm", event_of_register_8, "of register 8"),
        ("tpm", lambda r: tpm(r, key="hashed:0123456789abcdef"), "that is no SHA-256"),
        ("uefi", lambda r: databases(r, *"abcde"), "5 databases, more than 4"),
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(field: str, change: Any, why: str) -> None:
    hardware = changed(change)
    refused = getattr(hardware, field)
    assert isinstance(refused, Missing)
    assert (refused.reason, why in refused.sentence) == (Reason.REFUSED, True), refused.sentence
    assert refused.sentence.isprintable()
    # The other groups are as they were.
    assert replace(hardware, **{field: ABSENT}) == replace(
        decoded(report("q35")), **{field: ABSENT}
    )


def test_strings_are_escaped_and_cut() -> None:
    hardware = changed(lambda r: setattr(r.cpu, "model_name", "\x1b[2J" + "x" * 600))
    assert isinstance(hardware.cpu, Cpu)
    assert hardware.cpu.model == "\\x1b[2J" + "x" * 508 + "…"


def test_older_agents() -> None:
    def older(found: guest_pb2.Report) -> None:
        found.cpu.ClearField("present")
        found.cpu.ClearField("live_cpuid")
        found.memory.ClearField("online_bytes")
        found.memory.ClearField("block_size_bytes")
        for table in found.acpi.tables:
            table.ClearField("content_sha256")

    hardware = changed(older)
    assert isinstance(hardware.cpu, Cpu)
    assert isinstance(hardware.memory, Memory)
    assert isinstance(hardware.acpi, tuple)
    assert (hardware.cpu.present, hardware.memory.online, hardware.memory.block) == (None,) * 3
    assert {table.content_sha256 for table in hardware.acpi} == {None}
    assert isinstance(hardware.cpu.cpuid, Missing)
    assert hardware.cpu.cpuid.reason is Reason.UNSUPPORTED


def test_why_there_is_no_live_cpuid() -> None:
    def unread(found: guest_pb2.Report) -> None:
        found.cpu.ClearField("live_cpuid")
        found.cpu.live_cpuid_absence.reason = guest_pb2.ABSENCE_REASON_UNREADABLE
        found.cpu.live_cpuid_absence.detail = "the module cpuid is not loaded"

    hardware = changed(unread)
    assert isinstance(hardware.cpu, Cpu)
    assert hardware.cpu.cpuid == Missing(
        reason=Reason.DENIED, sentence="the module cpuid is not loaded"
    )


def leaves(*rows: tuple[int, int]) -> guest_pb2.Report:
    found = guest_pb2.Report(cpu=guest_pb2.Cpu(online=1))
    for leaf, subleaf in rows:
        found.cpu.live_cpuid.add(
            leaf=leaf,
            subleaf=subleaf,
            eax=0xFFFFFFFF,
            ebx=0xFFFFFFFF,
            ecx=0xFFFFFFFF,
            edx=0xFFFFFFFF,
        )
    return found


ALL = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("leaf", "subleaf", "registers"),
    [
        (0x0, 0, (ALL, ALL, ALL, ALL)),
        (0x1, 0, (ALL, 0x00FFFFFF, 0xF7FFFFF7, 0xFFFFFDFF)),
        (0x7, 0, (ALL, ALL, 0xFFFFFFEF, ALL)),
        (0x7, 1, (ALL, ALL, ALL, ALL)),
        (0xB, 1, (ALL, ALL, ALL, 0)),
        (0xD, 0, (ALL, 0, ALL, ALL)),
        (0xD, 1, (ALL, 0, ALL, ALL)),
        (0xD, 2, (ALL, ALL, ALL, ALL)),
        (0x19, 0, (ALL, 0xFFFFFFFE, ALL, ALL)),
        (0x1F, 0, (ALL, ALL, ALL, 0)),
        (0x40000010, 0, (0, ALL, ALL, ALL)),
        (0x80000001, 0, (ALL, ALL, ALL, 0xFFFFFDFF)),
        (0x8000001E, 0, (0, 0xFFFFFF00, ALL, ALL)),
        (0x80000026, 3, (ALL, ALL, ALL, 0)),
    ],
)
def test_bits_that_are_not_the_machines(
    leaf: int, subleaf: int, registers: tuple[int, ...]
) -> None:
    cpu = decoded(leaves((0x15, 0), (leaf, subleaf), (0x16, 0))).cpu
    assert isinstance(cpu, Cpu)
    assert isinstance(cpu.cpuid, tuple)
    assert [(one.leaf, one.subleaf, one.registers) for one in cpu.cpuid] == [
        (leaf, subleaf, registers)
    ]


@settings(max_examples=150)
@given(REPORTS)
def test_never_anything_but_values(found: guest_pb2.Report) -> None:
    hardware = decoded(found)
    for name in FIELDS:
        group = getattr(hardware, name)
        assert group is ABSENT or found.HasField(name)
        assert not isinstance(group, Missing) or group.sentence.isprintable()


@settings(max_examples=150)
@given(REPORTS, REPORTS, st.sampled_from(Occasion), st.booleans())
def test_checks_say_something_of_whatever_guests_say(
    then: guest_pb2.Report, now: guest_pb2.Report, occasion: Occasion, same: bool
) -> None:
    before = replace(OBSERVATION, hardware=decoded(then))
    after = replace(OBSERVATION, hardware=decoded(now), boot_id="b" if same else "c")
    judged = case(
        observation=after, baseline=replace(BASELINE, observation=before), occasion=occasion
    )
    for finding in checks.run(judged):
        assert finding.sentence.isprintable()
        assert len(finding.sentence) < 8192
        assert finding.outcome is not Outcome.FAIL or finding.expected
    if before.hardware == after.hardware and same and occasion is not Occasion.UPGRADE:
        assert not [f for f in checks.run(judged) if f.outcome in {Outcome.FAIL, Outcome.WARN}]

"""What identifies a thing is kept as a token, and is told again from what is seen."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.case.case import Case
from host_agent.case.results import Audited
from host_agent.checks import same_block, same_network, same_smbios
from host_agent.domain.definition import parse
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence import decode, identifiers, recognition
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.baseline_element import from_element, to_element
from host_agent.evidence.hardware import NetworkInterface
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing
from host_agent.records import hiding
from host_agent.records.entry import of
from host_agent.verify.policy import judge
from samemachine.v1 import guest_pb2
from tests import smbios_builder
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import BASELINE, DEFINITION, case, declared, report
from tests.unit.host_agent.shared.reports import REPORTS

SALT, OTHER_SALT = b"s" * 16, b"t" * 16
MAC, SERIAL, WWN = "52:54:00:aa:10:02", "WD-WX41A1234567", "naa.5000c50015ea71ac"
SECRET = "hunter2-hunter2"
KEY = "4b" * 32
OPTIONS = json.dumps(
    {
        "architecture": "x86_64",
        "machine": "pc-q35-7.2",
        "accelerator": "kvm",
        "arguments": [
            "-smbios",
            f"type=1,manufacturer=A,,B,serial={SERIAL},,7,uuid={UUID_1},family=F",
            "-smbios",
            f"type=3,asset={SERIAL}-tag",
            "-smbios",
            f"type=11,value=io.systemd.credential:login={SECRET},value=ds=nocloud",
            "-m",
            "512",
        ],
        "vcpus": 1,
    },
    separators=(",", ":"),
)


def tables(serial: str = SERIAL, mark: bytes = b"") -> bytes:
    """Type 1, 2, 3, 4, 17 with serial numbers and asset tags, and OEM strings with a secret."""
    structure = smbios_builder.structure
    zeros = bytes(0x40)

    def with_strings(kind: int, length: int, places: dict[int, int], *strings: str) -> bytes:
        body = bytearray(zeros[: length - 4])
        for place, number in places.items():
            body[place - 4] = number
        return structure(kind, kind, bytes(body), *strings)

    return b"".join(
        (
            with_strings(1, 0x1B, {4: 1, 5: 2, 7: 3}, "QEMU", "Standard PC", serial),
            with_strings(2, 0x0F, {7: 1, 8: 2}, f"{serial}-board", "asset-board"),
            with_strings(3, 0x16, {7: 1, 8: 2}, f"{serial}-chassis", "asset-chassis"),
            with_strings(4, 0x30, {0x10: 3, 0x20: 1, 0x21: 2}, f"{serial}-cpu", "asset-cpu", "pc"),
            with_strings(17, 0x28, {0x18: 2, 0x19: 1}, "asset-dimm", f"{serial}-dimm"),
            structure(11, 11, b"\2", f"io.systemd.credential:login={SECRET}", "ds=nocloud"),
            mark,
            structure(127, 127, b""),
        )
    )


def filled() -> guest_pb2.Report:
    """A guest with an identifier in every place that there is for one."""
    found = report("i440fx")
    found.agent_version = "1"
    found.boot.boot_id = str(UUID_1)
    found.dmi.system_serial = SERIAL
    found.smbios_booted.tables = tables()
    found.smbios_live.tables = tables()
    del found.network.interfaces[:]
    found.network.interfaces.add(
        mac=MAC, current_mac="52:54:00:aa:10:03", name="enx525400aa1002", parent="0000:00:03.0"
    )
    found.block.devices[0].serial = f"{SERIAL}-disk"
    found.block.devices[0].wwn = WWN
    found.tpm.pcrs.extend([bytes(32)] * 8)
    found.tpm.endorsement_sha256 = KEY
    found.platform.sysinfo["Sequence Code"] = "00000000000ABCDE"
    found.platform.sysinfo["VM00 Name"] = "GUEST1"
    return found


CLEAR = (
    KEY, MAC, "525400aa1002", "52:54:00:aa:10:03", SERIAL, WWN, SECRET, "asset-",
    "00000000000ABCDE",
)  # fmt: skip


def observed(found: guest_pb2.Report) -> Observation:
    return decode.decode(found, b"", 0.0, BASELINE.taken)


def kept(found: guest_pb2.Report, salt: bytes | None = SALT, options: str = OPTIONS) -> Baseline:
    """The baseline as it is read back."""
    one = replace(BASELINE, observation=observed(found), options=options, salt=salt)
    return from_element(to_element(one), UUID_1)


def told(before: Baseline, now: guest_pb2.Report, options: str = OPTIONS) -> Baseline:
    known = recognition.known(declared(), observed(now)) | identifiers.in_options(options)
    return from_element(to_element(before), UUID_1, known)


def test_no_identifier_is_kept_in_clear_anywhere() -> None:
    before = kept(filled())
    whole = before.observation.raw + (before.options or "").encode() + to_element(before).encode()
    for text in CLEAR:
        assert text.encode() not in whole, text
    # And what is no identifier stays readable.
    for text in ("GUEST1", "Standard PC", "ds=nocloud", "io.systemd.credential:login=", "512"):
        assert text.encode() in whole, text
    assert str(UUID_1) in (before.options or "")


def test_the_test_would_see_them() -> None:
    before = kept(filled(), None)
    assert before.salt is None
    for text in CLEAR:
        assert text.encode() in before.observation.raw, text


@pytest.mark.parametrize("guest", ["i440fx", "q35"])
def test_what_is_seen_tells_all_of_it(guest: str) -> None:
    for found in (report(guest), filled()):
        found.agent_version = "1"
        back = told(kept(found), found)
        assert back.observation.raw == observed(found).raw
        assert replace(back.observation, received=0.0) == replace(observed(found), received=0.0)
        assert back.options == OPTIONS
        # Written again it is what it was: the same salt, the same tokens.
        assert to_element(back) == to_element(kept(found))


def test_tokens_of_two_salts_have_nothing_in_common() -> None:
    one, two = kept(filled()), kept(filled(), OTHER_SALT)
    tokens = [
        set(identifiers.TOKEN.findall(side.observation.raw.decode("latin-1")))
        for side in (one, two)
    ]
    assert len(tokens[0]) == len(tokens[1]) > 10
    assert not tokens[0] & tokens[1]


def test_what_is_not_known_stays_a_token_and_is_not_hashed_again() -> None:
    before = kept(filled())
    empty = guest_pb2.Report(agent_version="1")
    still = told(before, empty, "")
    assert still.observation.raw == before.observation.raw
    assert to_element(still) == to_element(before)
    assert not isinstance(still.observation.hardware.network, Missing)


def test_no_guest_may_give_a_token_as_its_address() -> None:
    found = filled()
    found.network.interfaces[0].mac = identifiers.token(SALT, MAC)
    assert isinstance(observed(found).hardware.network, Missing)


def test_tables_that_cant_be_read_are_not_kept() -> None:
    found = filled()
    found.smbios_live.tables = b"\1\x08\0\0serial number in no structure"
    assert b"serial number" not in kept(found).observation.raw


@given(REPORTS, st.binary(min_size=16, max_size=16))
def test_whatever_a_guest_reports_is_told_again(found: guest_pb2.Report, salt: bytes) -> None:
    # Tables that can't be read are the exception.
    found.ClearField("smbios_booted")
    found.ClearField("smbios_live")
    raw = found.SerializeToString(deterministic=True)
    known = identifiers.in_report(raw)
    hidden = identifiers.changed(raw, identifiers.hider(salt))
    assert identifiers.in_report(hidden) == frozenset()
    assert identifiers.changed(hidden, identifiers.teller(salt, known)) == raw


@given(st.text(max_size=80))
def test_any_options_stay_what_they_are(text: str) -> None:
    assert identifiers.changed_options(text, str.upper) in {text, text.strip()}


def test_options_are_changed_in_their_places() -> None:
    form = json.loads(identifiers.changed_options(OPTIONS, lambda text: f"[{text}]"))
    assert form["arguments"][1] == (
        f"type=1,manufacturer=A,,B,serial=[{SERIAL},,7],uuid={UUID_1},family=F"
    )
    assert form["arguments"][3] == f"type=3,asset=[{SERIAL}-tag]"
    assert form["arguments"][5] == (
        f"type=11,value=io.systemd.credential:login=[{SECRET}],value=ds=nocloud"
    )


def test_the_xml_knows_what_it_declares() -> None:
    definition = parse(
        f"""<domain><uuid>{UUID_1}</uuid><sysinfo type='smbios'><system>
        <entry name='serial'>S1</entry></system><oemStrings><entry>x</entry></oemStrings>
        <chassis><entry name='asset'>A1</entry></chassis></sysinfo><devices>
        <interface><mac address='52:54:00:AA:10:02'/></interface>
        <disk><serial>0123456789012345678901</serial><wwn>5000c50015ea71ac</wwn></disk>
        </devices></domain>"""
    )
    assert definition.identifiers == {
        "S1",
        "A1",
        MAC,
        "0123456789012345678901",
        "01234567890123456789",
        "5000c50015ea71ac",
        WWN,
    }


# Findings name what is known, and give the token of what is not.


def since(before: guest_pb2.Report, now: guest_pb2.Report, **changes: object) -> Case:
    """A case with a hashed baseline, told as it is told on a host."""
    one = case(observation=observed(now), **changes)
    known = recognition.known(one.declared, one.observation)
    return replace(one, baseline=from_element(to_element(kept(before)), UUID_1, known))


def test_what_moved_is_named() -> None:
    now = filled()
    now.network.interfaces[0].parent = "0000:00:09.0"
    now.block.devices[0].parent = "0000:00:0a.0"
    found = since(filled(), now)
    assert f"{MAC} moved 0000:00:03.0 -> 0000:00:09.0" in same_network.check(found).sentence
    assert f"disk serial {SERIAL}-disk moved" in same_block.check(found).sentence
    assert same_network.check(since(filled(), filled())).outcome is Outcome.PASS
    assert same_block.check(since(filled(), filled())).outcome is Outcome.PASS


def test_what_is_gone_is_named_where_it_is_declared() -> None:
    now = filled()
    del now.network.interfaces[:]
    token = identifiers.token(SALT, MAC)
    assert f"{token} at 0000:00:03.0 is gone" in same_network.check(since(filled(), now)).sentence
    still = declared(replace(DEFINITION, identifiers=frozenset({MAC})))
    said = same_network.check(since(filled(), now, declared=still)).sentence
    assert f"{MAC} at 0000:00:03.0 is gone" in said


def test_another_serial_number_in_the_tables_is_a_difference() -> None:
    now = filled()
    now.dmi.system_serial = "OTHER-SERIAL"
    now.smbios_booted.tables = now.smbios_live.tables = tables("OTHER-SERIAL")
    found = same_smbios.check(since(filled(), now))
    assert found.outcome is Outcome.FAIL
    assert f"Serial Number '{identifiers.token(SALT, SERIAL)}' -> 'OTHER-SERIAL'" in found.sentence
    assert SERIAL not in found.sentence
    assert same_smbios.check(since(filled(), filled())).outcome is Outcome.PASS


def test_a_clear_baseline_is_read_as_before() -> None:
    before = kept(filled(), None)
    assert before.salt is None
    assert from_element(to_element(before), UUID_1, {SERIAL}) == before
    assert 'version="1"' in to_element(before)


def test_a_full_report_has_room() -> None:
    found = filled()
    for number in range(2000):
        found.network.interfaces.add(
            mac=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}",
            name=f"eth{number}",
            parent="0000:00:03.0",
        )
        found.block.devices.add(serial=f"serial number {number}", parent="x", name=f"sd{number}")
    assert len(to_element(kept(found))) < baselines.MAX_ELEMENT / 2


# What the ledger keeps.


def entry_text(found: Case, salt: bytes | None) -> str:
    entry = of(
        Audited(case=found, verdict=judge(found)), time=1.7e9, host="h", qemu=None, salt=salt
    )
    return repr(entry.findings)


def test_history_has_tokens_for_what_the_screen_names() -> None:
    now = filled()
    now.network.interfaces[0].parent = "0000:00:09.0"
    now.network.interfaces[0].name = "enp0s9"
    now.block.devices[0].serial = "NEW-SERIAL-9"
    now.smbios_booted.tables = tables("OTHER-SERIAL")
    found = since(filled(), now)
    clear, hidden = entry_text(found, None), entry_text(found, SALT)
    for text in (MAC, "NEW-SERIAL-9", "OTHER-SERIAL"):
        assert text in clear
        assert text not in hidden
        assert identifiers.token(SALT, text) in hidden
    assert "0000:00:09.0" in hidden


def test_the_domains_own_uuid_stays_also_where_it_is_the_serial_number() -> None:
    now = filled()
    now.dmi.system_serial = str(UUID_1)
    finding = Finding(check="x", outcome=Outcome.FAIL, sentence=f"UUID {UUID_1}, {MAC}")
    (hidden,) = hiding.hidden([finding], case(observation=observed(now)), SALT)
    assert hidden.sentence == f"UUID {UUID_1}, {identifiers.token(SALT, MAC)}"


def test_a_short_serial_number_spoils_no_sentence() -> None:
    now = filled()
    now.block.devices[0].serial = "a"
    now.dmi.system_serial = "disk"
    sentence = "a disk of diskless: disk serial a"
    finding = Finding(check="x", outcome=Outcome.FAIL, sentence=sentence)
    (hidden,) = hiding.hidden([finding], case(observation=observed(now)), SALT)
    token = identifiers.token(SALT, "disk")
    assert hidden.sentence == f"a {token} of diskless: {token} serial a"


def test_interfaces_stay_told_apart() -> None:
    found = since(filled(), filled())
    assert not isinstance(found.baseline, Missing)
    network = found.baseline.observation.hardware.network
    assert isinstance(network, tuple)
    assert isinstance(network[0], NetworkInterface)
    assert network[0].mac == MAC

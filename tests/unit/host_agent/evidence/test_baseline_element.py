"""A baseline's element: there and back, as libvirt rewrites it, and damaged in every way."""

import base64
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from host_agent.domain.definition import parse
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence import decode
from host_agent.evidence.baseline import NAMESPACE, Baseline, Event
from host_agent.evidence.baseline_element import (
    MAX_ELEMENT,
    MAX_EVENTS,
    BaselineError,
    from_element,
    to_element,
)
from host_agent.evidence.observation import Observation
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing, Reason
from host_agent.printable import printable
from samemachine.v1 import guest_pb2
from tests.damage import damaged
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import report, smbios
from tests.unit.host_agent.shared.reports import REPORTS

BOOT = "0b0b0000-0000-4000-8000-000000000001"
TAKEN = 1_772_424_660.5
"""2026-03-02 04:11:00.5 UTC."""


def event(number: int, **changes: Any) -> Event:
    return replace(
        Event(
            time=TAKEN + number,
            host=f"node{number}",
            qemu="7.2.22",
            occasion="arrival",
            verdict="verified",
        ),
        **changes,
    )


def observed(found: guest_pb2.Report, taken: float = TAKEN) -> Observation:
    kept = guest_pb2.Report()
    kept.CopyFrom(found)
    kept.ClearField("nonce")
    return decode.decode(kept, b"", 0.0, taken)


def full() -> guest_pb2.Report:
    """A captured guest's report with all that its baseline needs."""
    found = report("q35")
    found.agent_version = "0.1.0"
    found.boot.boot_id, found.boot.boot_time_seconds = BOOT, 1_700_000_000
    tables = smbios()
    found.smbios_booted.tables = tables.tables
    return found


WHOLE = Baseline(
    uuid=UUID_1,
    taken=TAKEN,
    host="node17",
    qemu="7.2.22",
    booted_qemu="7.2.21",
    machine="pc-q35-7.2",
    product="Standard PC (Q35 + ICH9, 2009)",
    observation=observed(full()),
    options='{"a":1}',
    devices='{"b":2}',
    trail=(event(1), event(2, qemu=None, occasion="restart", verdict="mismatch")),
)
SMALL = replace(WHOLE, observation=observed(guest_pb2.Report(agent_version="1")))
ELEMENT = to_element(SMALL)


def refused(element: str, uuid: UUID = UUID_1) -> str:
    with pytest.raises(BaselineError) as caught:
        from_element(element, uuid)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 300
    return sentence


@pytest.mark.parametrize(
    "one",
    [
        WHOLE, SMALL, replace(WHOLE, qemu=None, booted_qemu=None, machine=None, product=None),
        replace(WHOLE, options=None), replace(WHOLE, options=""), replace(WHOLE, trail=()),
        replace(WHOLE, devices=None), replace(WHOLE, devices=""),
        replace(WHOLE, host="nœud-17 <&\"'>", product="a\\x1bb"),
    ],
)  # fmt: skip
def test_there_and_back(one: Baseline) -> None:
    assert from_element(to_element(one), UUID_1) == one


def test_what_people_read_in_it() -> None:
    root = etree.fromstring(to_element(WHOLE))
    assert root.tag == "{urn:samemachine:baseline:1}baseline"
    assert dict(root.attrib) == {
        "version": "1",
        "uuid": str(UUID_1),
        "taken": "2026-03-02T04:11:00.500+00:00",
        "host": "node17",
        "qemu": "7.2.22",
        "booted-qemu": "7.2.21",
        "machine": "pc-q35-7.2",
        "product": "Standard PC (Q35 + ICH9, 2009)",
        "boot-id": BOOT,
    }
    assert [etree.QName(child).localname for child in root] == [
        "report",
        "options",
        "devices",
        "event",
        "event",
    ]
    assert dict(root[3].attrib) == {
        "time": "2026-03-02T04:11:01.500+00:00",
        "host": "node1",
        "qemu": "7.2.22",
        "occasion": "arrival",
        "verdict": "verified",
    }


def test_a_real_guests_is_small() -> None:
    assert len(to_element(WHOLE)) < 8192


def test_what_a_terminal_or_xml_would_not_take_is_escaped() -> None:
    hostile = "\x1b[2J\0\ud800\ufffe<x>"
    found = from_element(
        to_element(replace(WHOLE, host=hostile, trail=(event(1, verdict=hostile),))), UUID_1
    )
    assert found.host == found.trail[0].verdict == printable(hostile)


def test_the_trail_ends_with_the_newest_ten() -> None:
    trail = tuple(event(number) for number in range(25))
    found = from_element(to_element(replace(WHOLE, trail=trail)), UUID_1)
    assert found.trail == trail[-MAX_EVENTS:]
    assert len(found.trail) == 10
    # And of an element that somebody else wrote.
    more = re.sub("(<event .*?/>)", r"\1" * 9, to_element(WHOLE), count=1)
    assert len(from_element(more, UUID_1).trail) == 10
    assert from_element(more, UUID_1).trail[-1] == WHOLE.trail[-1]


def test_an_empty_name_is_unknown() -> None:
    nameless = replace(WHOLE, host="", trail=(event(1, host="", occasion="", verdict=""),))
    found = from_element(to_element(nameless), UUID_1)
    (told,) = found.trail
    assert (found.host, told.host, told.occasion, told.verdict) == ("unknown",) * 4


def test_of_the_host_alone() -> None:
    tables = smbios()
    seen = baselines.observation_of_memory(tables, TAKEN)
    found = from_element(to_element(replace(WHOLE, observation=seen)), UUID_1)
    assert found.observation == seen
    assert isinstance(seen.booted, Smbios)
    assert (seen.booted.tables, seen.boot_id) == (tables.tables, None)
    assert isinstance(seen.hardware.pci, Missing)
    assert seen.hardware.pci.reason is Reason.NOT_ENROLLED


REWRITTEN: dict[str, Callable[[str], str]] = {
    # As virDomainGetXMLDesc, virDomainGetMetadata and other writers of XML give it back.
    "root prefixed, children in the default namespace": lambda text: (
        text.replace("<baseline ", f"<s:baseline xmlns:s='{NAMESPACE}' ").replace(
            "</baseline>", "</s:baseline>"
        )
    ),
    "root prefixed, children in none": lambda text: (
        text.replace(f'xmlns="{NAMESPACE}"', "")
        .replace("<baseline ", f"<samemachine:baseline xmlns:samemachine='{NAMESPACE}' ")
        .replace("</baseline>", "</samemachine:baseline>")
    ),
    "all prefixed": lambda text: re.sub(
        "<(/?)(?=[a-z])", r"<\1samemachine:", text
    ).replace("xmlns=", "xmlns:samemachine="),
    "no namespace at all": lambda text: text.replace(
        f'xmlns="{NAMESPACE}"', f'xmlns:samemachine="{NAMESPACE}"'
    ),
    "indented": lambda text: re.sub(r"(<(?:report|options|event|/baseline))", r"\n   \1", text),
    "texts wrapped": lambda text: text.replace(">eN", ">\n eN").replace("</r", "\n </r"),
    "numeric references": lambda text: text.replace("node17", "&#110;ode17"),
    "a comment": lambda text: text.replace("<options>", "<!-- mine --><?mine too?><options>"),
    "declared": lambda text: "<?xml version='1.0'?>\n" + text,
}  # fmt: skip


@pytest.mark.parametrize("how", REWRITTEN)
def test_as_libvirt_may_write_it_anew(how: str) -> None:
    text = REWRITTEN[how](to_element(WHOLE))
    assert text != to_element(WHOLE)
    assert from_element(text, UUID_1) == WHOLE


@pytest.mark.parametrize(
    "how", [how for how in REWRITTEN if how not in {"declared", "no namespace at all"}]
)
def test_within_a_domain(how: str) -> None:
    element = REWRITTEN[how](to_element(WHOLE))
    definition = parse(
        f"<domain><name>vm1</name><uuid>{UUID_1}</uuid><metadata>\n"
        f"<b xmlns='urn:other'><report>x</report></b>\n{element}\n</metadata></domain>"
    )
    assert from_element(definition.metadata[NAMESPACE], UUID_1) == WHOLE


def test_what_a_later_version_added_is_passed_over() -> None:
    text = (
        to_element(WHOLE)
        .replace("<baseline ", "<baseline mood='fine' xmlns:x='urn:x' x:version='9' ", 1)
        .replace("<options>", "<x:report>no</x:report><extra><report>no</report></extra><options>")
        .replace("<event ", "<event weather='rain' ")
    )
    assert from_element(text, UUID_1) == WHOLE


def packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def with_report(text: str, raw: bytes | None = None) -> str:
    digest = sha256(raw or b"").hexdigest()
    return re.sub("<report.*?</report>", f'<report sha256="{digest}">{text}</report>', ELEMENT)


def with_raw(raw: bytes) -> str:
    return with_report(packed(raw), raw)


NONCED = guest_pb2.Report(nonce=b"n").SerializeToString()
ABSENCES = guest_pb2.Report(absences=[guest_pb2.Absence()] * 65).SerializeToString()
BOMB = packed(bytes(64 << 20))
change = partial(re.sub, string=ELEMENT, count=1)


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ("", "no XML"),
        ("hello", "no XML"),
        ("<baseline", "no XML"),
        ("\ud800", "no XML"),
        ("<?xml version='1.0' encoding='utf-8'?>" + ELEMENT, "no XML"),
        (ELEMENT[:-12], "no XML"),
        (ELEMENT * 2, "no XML"),
        (
            "<!DOCTYPE b [<!ENTITY a 'aaaaaaaaaa'>"
            + "".join(f"<!ENTITY {n} '{f'&{m};' * 10}'>" for m, n in pairwise("abcdefghi"))
            + "]><baseline uuid='&i;'/>",
            "no XML",
        ),
        ("<other/>", "no baseline but other"),
        (ELEMENT.replace("baseline:1", "baseline:2"), "but {urn:samemachine:baseline:2}"),
        (f"<{'x' * 600}/>", "no baseline but xxx"),
        ("<b\u200b/>", ""),
        (change(' version="1"', ""), "has no version"),
        (change(' version="1"', ' version="one"'), "has no version"),
        (change(' version="1"', ' version="-1"'), "has no version"),
        (change(' version="1"', ' version="²"'), "has no version"),
        (change(' version="1"', ' version="3"'), "version 3, this samemachine reads up to 2"),
        (change(' version="1"', ' version="2"'), "it has no salt"),
        (change(' version="1"', ' version="2" salt="é"'), "it has no salt"),
        (change(' version="1"', f' version="2" salt="{"00" * 15}"'), "it has no salt"),
        (change(' version="1"', f' version="2" salt="{"00" * 9999}"'), "it has no salt"),
        (change(' version="1"', f' version="{"9" * 5000}"'), "version 9999"),
        (change(' uuid="[^"]*"', ""), "not of this one"),
        (change(' uuid="0', ' uuid="1'), "not of this one"),
        (change("<report.*</report>", ""), "report is missing"),
        (change("(<report.*</report>)", r"\1\1"), "2 of <report>"),
        (change("(<options.*</options>)", r"\1\1"), "2 of <options>"),
        (change("(<devices.*</devices>)", r"\1\1"), "2 of <devices>"),
        (change(">eN", ">!eN"), "report is damaged"),
        (change(">eN", ">é"), "report is damaged"),
        (with_report(""), "report is cut short"),
        (with_report(packed(b"x" * 99)[:8]), "report is cut short"),
        (with_report(base64.b64encode(b"no deflate").decode()), "report is damaged"),
        (with_report(BOMB), "report has more than 1048576 bytes"),
        (with_report(packed(b"\x0a\x01\x31")), "SHA-256"),
        (change(' sha256="[^"]*"', ""), "SHA-256"),
        (with_raw(b"\xff" * 40), "report can't be read"),
        (with_raw(b"\x12\x02\xff\xff"), "report can't be read"),
        (with_raw(NONCED), "another nonce"),
        (with_raw(ABSENCES), "more than 64 absences in Report"),
        (change("<options>.*?<", f"<options>{BOMB}<"), "options has more than 262144 bytes"),
        (change("<options>eN", "<options>e-"), "list of options is damaged"),
        (change("<devices>.*?<", f"<devices>{BOMB}<"), "devices has more than 262144 bytes"),
        (change(' taken="[^"]*"', ""), "'nothing' is no time"),
        (change(' taken="[^"]*"', ' taken="soon"'), "'soon' is no time"),
        (change(' taken="[^"]*"', ' taken="0001-01-01T00:00:00+14:00"'), "is no time"),
        (change(' taken="[^"]*"', ' taken="9999-12-31T23:59:59-14:00"'), "is no time"),
        (change(' taken="[^"]*"', ' taken="1969-12-31T00:00:00Z"'), "is no time"),
        (change(' time="[^"]*"', ' time="&#x1F;"'), "no XML"),
        (change(' time="[^"]*"', f' time="{"9" * 9999}"'), "is no time"),
        (" " * (MAX_ELEMENT + 1), f"has {MAX_ELEMENT + 1} bytes, more than {MAX_ELEMENT}"),
    ],
)  # fmt: skip
def test_damage_is_refused_with_the_reason(element: str, why: str) -> None:
    assert why in refused(element)


def test_a_copied_domains_is_refused() -> None:
    assert "not of this one" in refused(ELEMENT, UUID(int=5))


def test_entities_are_not_read_from_files() -> None:
    text = "<!DOCTYPE b [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>" + ELEMENT.replace(
        "<options>", "<options>&a;"
    )
    assert refused(text) == "its list of options is cut short"


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (replace(SMALL, observation=replace(SMALL.observation, raw=bytes(1 << 21))), "report"),
        (replace(SMALL, options="x" * (1 << 19)), "list of options"),
        (replace(SMALL, devices="x" * (1 << 19)), "list of devices"),
        (
            replace(
                SMALL,
                observation=replace(
                    SMALL.observation,
                    # What does not compress.
                    raw=b"".join(sha256(f"{n}".encode()).digest() for n in range(15000)),
                ),
            ),
            "of the XML, more than",
        ),
    ],
)
def test_too_large_to_be_written(one: Baseline, why: str) -> None:
    with pytest.raises(BaselineError, match=why):
        to_element(one)


def test_long_names_are_cut() -> None:
    long = replace(SMALL, host="é" * (1 << 20), trail=(event(1, verdict="v" * (1 << 20)),) * 10)
    found = from_element(to_element(long), UUID_1)
    assert (found.host, found.trail[9].verdict) == ("é" * 512, "v" * 512)


NAMES = st.text(max_size=60)
TIMES = st.integers(0, 4_100_000_000_000).map(lambda milliseconds: milliseconds / 1000)
EVENTS = st.builds(
    Event, time=TIMES, host=NAMES, qemu=st.none() | NAMES, occasion=NAMES, verdict=NAMES
)


@settings(max_examples=100)
@given(
    found=REPORTS,
    taken=TIMES,
    host=NAMES,
    qemu=st.none() | NAMES,
    machine=st.none() | NAMES,
    product=st.none() | NAMES,
    trail=st.lists(EVENTS, max_size=12),
    options=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
def test_whatever_is_written_is_read(
    found: guest_pb2.Report,
    taken: float,
    host: str,
    qemu: str | None,
    machine: str | None,
    product: str | None,
    trail: list[Event],
    options: str | None,
) -> None:
    one = Baseline(
        uuid=UUID_1,
        taken=taken,
        host=host,
        qemu=qemu,
        booted_qemu=qemu,
        machine=machine,
        product=product,
        observation=observed(found, taken),
        options=options,
        trail=tuple(trail),
    )
    element = to_element(one)
    (lonely,) = etree.fromstring(f"<m>{element}</m>")
    assert etree.QName(lonely).namespace == NAMESPACE
    back = from_element(element, UUID_1)
    assert back.observation.raw == one.observation.raw
    assert replace(back.observation, received=0.0) == replace(one.observation, received=0.0)
    assert abs(back.taken - taken) <= 0.001
    assert back.options == options
    assert [told.verdict for told in back.trail] == [
        printable(told.verdict) or "unknown" for told in trail[-10:]
    ]
    # What was read is written as it was.
    assert from_element(to_element(back), UUID_1) == back


def read(text: str) -> Baseline | None:
    try:
        return from_element(text, UUID_1)
    except BaselineError as error:
        assert str(error).isprintable()
        return None


@given(st.text(max_size=200) | st.text("<>&;/='\"! baselinexmrpot-[]?", max_size=200))
def test_any_text_is_refused(text: str) -> None:
    assert read(text) is None


@settings(max_examples=400)
@given(damaged(ELEMENT.encode()))
def test_any_damage_is_refused_or_harmless(element: bytes) -> None:
    found = read(element.decode("utf-8", "replace"))
    if found is not None:
        # What counts is guarded: by the digest, the deflate stream's checksum, the UUID.
        assert found.observation.raw == SMALL.observation.raw
        assert found.uuid == UUID_1
        to_element(found)


@given(damaged(ELEMENT.encode()))
def test_any_damage_to_a_report_is_refused_or_bounded(raw: bytes) -> None:
    found = read(with_raw(raw))
    assert found is None or found.observation.raw is not None


def test_lasting_is_without_clocks_only() -> None:
    base = full()
    later = full()
    later.clock.realtime_nanoseconds += 10**12
    later.clock.boottime_nanoseconds += 10**12
    later.boot.boot_time_seconds += 1
    assert lasting(later) == lasting(base)


def leaf(report: guest_pb2.Report, number: int, subleaf: int = 0) -> guest_pb2.CpuidLeaf:
    found = [one for one in report.cpu.live_cpuid if (one.leaf, one.subleaf) == (number, subleaf)]
    return found[0] if found else report.cpu.live_cpuid.add(leaf=number, subleaf=subleaf)


UNSTEADY: dict[str, Callable[[guest_pb2.Report, int], object]] = {
    "APIC id": lambda r, n: setattr(leaf(r, 1), "ebx", n << 24),
    "OSXSAVE": lambda r, n: setattr(leaf(r, 1), "ecx", n << 27),
    "size of XSAVE's area": lambda r, n: setattr(leaf(r, 0xD), "ebx", n),
    "x2APIC id": lambda r, n: setattr(leaf(r, 0xB), "edx", n),
    "measured": lambda r, n: setattr(leaf(r, 0x15), "ecx", n),
    "FACS": lambda r, n: r.acpi.tables.add(
        signature="FACS", sha256=bytes([n]), content_sha256=b"c"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNSTEADY)
def test_lasting_is_without_what_is_not_steady(what: str) -> None:
    reports = full(), full()
    for number, one in enumerate(reports):
        UNSTEADY[what](one, number)
    assert reports[0] != reports[1]
    assert lasting(reports[0]) == lasting(reports[1])


CHANGES: dict[str, Callable[[Any], object]] = {
    "boot id": lambda r: setattr(r.boot, "boot_id", UUID_1.hex),
    "kernel": lambda r: setattr(r.boot, "kernel_release", "9"),
    "agent": lambda r: setattr(r, "agent_version", "9"),
    "booted tables": lambda r: setattr(r.smbios_booted, "tables", b"x"),
    "live tables": lambda r: setattr(r.smbios_live, "tables", b"x"),
    "product": lambda r: setattr(r.dmi, "system_product", "x"),
    "processors": lambda r: setattr(r.cpu, "online", 99),
    "flags": lambda r: r.cpu.flags.append("x"),
    "memory": lambda r: setattr(r.memory, "total_bytes", 1),
    "a function less": lambda r: r.pci.functions.pop(),
    "features": lambda r: setattr(r.virtio.devices[0], "features", 1),
    "a table": lambda r: setattr(r.acpi.tables[0], "sha256", bytes(32)),
    "MAC": lambda r: setattr(r.network.interfaces[0], "mac", "52:54:00:00:00:09"),
    "serial": lambda r: setattr(r.block.devices[0], "serial", "x"),
    "an absence": lambda r: r.absences.add(),
    "CPUID": lambda r: setattr(leaf(r, 1), "eax", 1),
    "a leaf more": lambda r: leaf(r, 0x24),
    "FACS": lambda r: r.acpi.tables.add(signature="FACS", sha256=b"a", content_sha256=b"b"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_lasting_has_all_the_rest(what: str) -> None:
    changed = full()
    CHANGES[what](changed)
    assert lasting(changed) != lasting(full())


def lasting(found: guest_pb2.Report) -> bytes:
    return baselines.lasting(found.SerializeToString())

"""What of a domain XML the guest sees, and whether anything judges it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from host_agent.domain import elements
from host_agent.domain.definition import DomainXmlError, parse
from host_agent.domain.elements import Noted, look, names, rule, rules
from tests.checkout import CHECKOUT

UUID = "<uuid>00112233-4455-6677-8899-aabbccddeeff</uuid>"
QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"


def test_every_element_is_sorted() -> None:
    assert len(names()) > 1000
    assert [path for path in names() if path and rule(path) is None] == []
    for attribute in names()[""]:
        assert rule("", attribute) is not None


def test_every_rule_is_of_an_element_of_the_schema() -> None:
    for path in rules():
        element, _, attribute = path.partition("@")
        if "*" not in path and not path.startswith("qemu:"):
            assert element in names(), path
            assert not attribute or attribute in names()[element], path


def test_what_handles_is_there() -> None:
    for one in rules().values():
        assert one.sort in {"handled", "seen", "unseen"}
        assert (one.sort == "handled") is bool(one.where), one
        for module in one.where.partition(":")[0].split(", ") if one.where else ():
            assert (CHECKOUT / f"host_agent/{module}.py").is_file(), one


@pytest.mark.parametrize(
    ("inner", "seen", "unknown"),
    [
        ("<hwuuid>x</hwuuid>", (), ()),
        ("<genid>x</genid>", ("<genid>",), ()),
        ("<devices><tpm model='tpm-crb'><backend type='emulator'/></tpm></devices>", (), ()),
        ("<devices><watchdog model='i6300esb'/></devices>", ("<devices/watchdog>",), ()),
        ("<devices><disk><boot order='1'/><alias name='a'/></disk></devices>",
         ("<devices/disk/boot>",), ()),
        ("<features><acpi/><vmport state='off'/></features>", ("<features/vmport>",), ()),
        ("<os><type>hvm</type><kernel>/k</kernel></os>", ("<os/kernel>",), ()),
        ("<clock offset='utc'><timer name='rtc'/></clock>", ("<clock/timer>",), ()),
        ("<memory dumpCore='on'>1</memory>", (), ()),
        ("<flux>1</flux>", (), ("<flux>",)),
        ("<memory colour='red'>1</memory>", (), ("<memory colour=>",)),
        ("<devices><disk><flux><deeper/></flux></disk></devices>", (), ("<devices/disk/flux>",)),
        ("<metadata><a xmlns='urn:a'><b/></a><c/></metadata>", (), ()),
        (f"<q:commandline xmlns:q='{QEMU}'><q:arg value='-smbios'/></q:commandline>",
         ("<qemu:commandline>",), ()),
        ("<devices><disk><backingStore><backingStore><format type='raw'/></backingStore>"
         "</backingStore></disk></devices>", (), ()),
    ],
)  # fmt: skip
def test_what_is_noted(inner: str, seen: tuple[str, ...], unknown: tuple[str, ...]) -> None:
    assert look(etree.fromstring(f"<domain>{inner}</domain>")) == Noted(seen=seen, unknown=unknown)


def test_what_is_noted_is_bounded() -> None:
    many = "".join(f"<x{number}{'y' * 500}/>" for number in range(5000))
    noted = look(etree.fromstring(f"<domain>{many}</domain>"))
    assert len(noted.unknown) == elements.MOST + 1
    assert max(map(len, noted.unknown)) < 100


_NAMES = st.sampled_from(["devices", "disk", "os", "uuid", "metadata", "flux", "backingStore"])
_TREES = st.recursive(
    _NAMES.map(lambda name: f"<{name}/>"),
    lambda inner: st.tuples(_NAMES, st.lists(inner, max_size=3)).map(
        lambda one: f"<{one[0]}>{''.join(one[1])}</{one[0]}>"
    ),
    max_leaves=30,
)


@given(_TREES)
def test_nothing_breaks_it(tree: str) -> None:
    with contextlib.suppress(DomainXmlError):
        parse(f"<domain>{UUID}{tree}</domain>")

"""Snapshots, as libvirt's XML has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain.definition import DomainXmlError
from host_agent.domain.snapshots import Snapshot, parse

_DOMAIN = "<domain><os><type arch='x86_64' machine='pc-i440fx-2.1'>hvm</type></os></domain>"


@pytest.mark.parametrize(
    ("xml", "memory", "machine"),
    [
        (f"<memory snapshot='internal'/>{_DOMAIN}", True, "pc-i440fx-2.1"),
        ("<memory snapshot='external' file='/s'/>", True, None),
        # A running guest's disks alone.
        ("<state>running</state><memory snapshot='no'/>", False, None),
        ("<state>disk-snapshot</state><memory snapshot='no'/>", False, None),
        ("<state>running</state>", True, None),
        ("<state>shutoff</state>", False, None),
    ],
)
def test_rows(xml: str, machine: str | None, *, memory: bool) -> None:
    found = parse(f"<domainsnapshot><name>s1</name>{xml}</domainsnapshot>")
    assert found == Snapshot(name="s1", memory=memory, machine=machine)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1764000000", 1764000000.0), (" 7 ", 7.0), ("", None), ("-7", None), ("1e9", None),
     ("9" * 12, None), ("soon", None)],
)  # fmt: skip
def test_when_it_was_taken(text: str, seconds: float | None) -> None:
    xml = f"<domainsnapshot><creationTime>{text}</creationTime></domainsnapshot>"
    assert parse(xml).created == seconds


@given(st.text(max_size=200))
def test_anything_is_a_snapshot_or_refused(text: str) -> None:
    try:
        parse(f"<domainsnapshot>{text}</domainsnapshot>")
    except DomainXmlError:
        return

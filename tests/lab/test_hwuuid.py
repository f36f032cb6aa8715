"""A domain whose guest is to see another UUID than its own (``<hwuuid>``, libvirt 11.6 on)."""

from collections.abc import Iterator

import pytest

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_audit import audited_when_booted
from tests.lab.test_upgrade import bare_xml

NAME = "renumbered"
SEEN = "7c1f0000-0000-4000-8000-0000000000aa"


@pytest.fixture(scope="module")
def forky(lab: Lab) -> Iterator[Host]:
    host = lab.host("hoste")
    xml = bare_xml(NAME, "pc-i440fx-10.0").replace("</uuid>", f"</uuid><hwuuid>{SEEN}</hwuuid>")
    host.run("virsh", "define", "/dev/stdin", text_input=xml)
    host.virsh("start", NAME)
    yield host
    host.virsh("destroy", NAME)
    host.virsh("undefine", NAME)


def test_it_is_judged_by_what_it_is_to_see(forky: Host) -> None:
    result = audited_when_booted(forky, NAME)
    for check in ("identity", "running-qemu", "exact", "stale-qemu"):
        assert result.outcome(NAME, check) == "pass", result.finding(NAME, check)
    domain = result.domains[NAME]
    assert (domain["verdict"], domain["depth"]) == ("verified", "memory")
    assert domain["evidence"]["memory"]["uuid"] == SEEN

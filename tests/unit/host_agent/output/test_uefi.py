"""What people and programs read of what a UEFI keeps."""

import io
from dataclasses import replace
from typing import Any
from uuid import UUID

from rich.console import Console

from host_agent.case.case import Case
from host_agent.case.results import Audited, HostAudit
from host_agent.output import audit_document, show
from host_agent.verify.policy import judge
from tests import json_output
from tests.unit.host_agent.shared import uefi_rows
from tests.unit.host_agent.shared.cases import NOTHING, case
from tests.unit.host_agent.shared.forty import HOST


def audited(judged: Case) -> HostAudit:
    result = Audited(case=judged, verdict=judge(judged))
    return HostAudit(host=HOST, results=(result,), seconds=0.4, started=1.7e9)


def form(judged: Case) -> Any:
    text = audit_document.render([audited(judged)], [], 0)
    return json_output.read(text)["hosts"][0]["domains"][0]["evidence"]["uefi"]


def shown(judged: Case) -> str:
    out = io.StringIO()
    show.print_show(Console(file=out, width=200, highlight=False), audited(judged))
    return out.getvalue()


KEYED = uefi_rows.store(uefi_rows.OLD, boot_order=(3, 9), boot={3: uefi_rows.DEBIAN})


def test_what_programs_read() -> None:
    found = form(uefi_rows.told(KEYED, True, other=KEYED))
    assert found["template"] == found["store"]
    assert found["store"]["databases"]["KEK"]["certificates"][1] == {
        "sha256": uefi_rows.KEK.old,
        "subject": "KEK CA 2011",
        "issuer": "I",
        "not_after": "2026-06-24",
    }
    assert found["store"]["boot"][0]["partition"] == str(UUID(int=1))
    assert (found["store"]["secure_boot"], found["store"]["boot_order"]) == (True, [3, 9])
    assert found["guest"]["databases"]["db"] == "a" * 64
    assert found["guest"]["secure_boot"] is True


def test_what_is_missing() -> None:
    assert form(case()) is None
    missing = {"missing": "unsupported", "sentence": "not to be had"}
    judged = replace(uefi_rows.uefi(NOTHING), observation=NOTHING)
    assert form(judged) == {"store": missing, "template": missing, "guest": missing}


def test_what_people_read() -> None:
    told = shown(uefi_rows.uefi(KEYED))
    assert "uefi: PK aaaaaaaaaaaaaaaa (Ours); KEK aaaaaaaaaaaaaaaa (Ours, KEK CA 2011);" in told
    assert "dbx aaaaaaaaaaaaaaaa (1 hash)" in told
    assert "boots: Boot0003 (debian) Partition(nr=1)" in told
    assert "uefi: no keys" in shown(uefi_rows.uefi(uefi_rows.NONE))
    assert "uefi: not to be had" in shown(uefi_rows.uefi(NOTHING))
    assert "uefi:" not in shown(case())


def test_a_network_card_s_address_is_not_in_what_is_said() -> None:
    nic = replace(uefi_rows.NIC, title="UEFI PXEv4 (MAC:525400000001)")
    judged = uefi_rows.booting(nic)
    said = " ".join(
        f"{one.sentence} {one.expected} {one.observed}" for one in judge(judged).findings
    )
    assert "525400000001" not in said + shown(judged)

"""What people and programs read of a domain's TPM."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from host_agent.case.case import Case
from host_agent.case.results import Audited, HostAudit
from host_agent.evidence.hardware import LuksToken, Tpm
from host_agent.evidence.measured import Measured, Outlook
from host_agent.missing import Missing
from host_agent.output import audit_document, show
from host_agent.output import rehearse as rehearse_output
from host_agent.verify.policy import judge
from host_agent.verify.rehearsal import Rehearsal
from tests import json_output
from tests.unit.host_agent.shared.cases import NOTHING, OBSERVATION, case
from tests.unit.host_agent.shared.forty import HOST
from tests.unit.host_agent.shared.tpm_rows import KEPT, LOST, OTHER, TOKEN, outlook, with_tpm

SEEN = Tpm(pcrs=("ab" * 32,) * 8, log="cd" * 32, events=(), tokens=(TOKEN,), endorsement="ef" * 32)


def told(guest: Tpm | Missing, state: Any = KEPT) -> Case:
    seen = replace(OBSERVATION, hardware=replace(OBSERVATION.hardware, tpm=guest))
    return replace(with_tpm(state), observation=seen)


def audited(judged: Case) -> HostAudit:
    result = Audited(case=judged, verdict=judge(judged))
    return HostAudit(host=HOST, results=(result,), seconds=0.4, started=1.7e9)


def form(judged: Case) -> Any:
    text = audit_document.render([audited(judged)], [], 0)
    return json_output.read(text)["hosts"][0]["domains"][0]["evidence"]["tpm"]


def test_json() -> None:
    assert form(case()) is None
    found = form(told(SEEN))
    assert (found["model"], found["version"], found["back_end"]) == ("tpm-crb", "2.0", "emulator")
    assert found["state"]["place"] == "/s"
    assert found["guest"]["pcrs"] == list(SEEN.pcrs)
    assert found["guest"]["endorsement_sha256"] == SEEN.endorsement
    assert found["guest"]["luks_tokens"][0]["pcrs"] == [7]
    unknown = replace(SEEN, tokens=None, log=None)
    assert form(told(unknown))["guest"]["luks_tokens"] is None
    untold = form(told(NOTHING, NOTHING))
    assert untold["state"]["sentence"] == untold["guest"]["sentence"] == "not to be had"


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (TOKEN, "tpm: tpm-crb, 2.0, emulator; state at /s; unlocks vda3 (systemd-tpm2, PCR 7)"),
        (replace(TOKEN, pcrs=None), "(systemd-tpm2, PCR ?)"),
        (replace(TOKEN, pcrs=()), "(systemd-tpm2, PCR none)"),
    ],
)
def test_shown(token: LuksToken, words: str) -> None:
    console = Console(file=io.StringIO(), width=200)
    show.print_show(console, audited(told(replace(SEEN, tokens=(token,)))))
    assert isinstance(console.file, io.StringIO)
    assert words in console.file.getvalue()


def rehearsal(found: Measured | Missing | None) -> Rehearsal:
    return Rehearsal(
        name="vm1",
        uuid="u",
        now=NOTHING,
        guest=NOTHING,
        start=NOTHING,
        changes=NOTHING,
        measured=found,
    )


def printed(found: Measured | Missing | None) -> str:
    console = Console(file=io.StringIO(), width=200)
    rehearse_output.print_rehearsal(console, rehearsal(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def outlooks(start: Outlook | Missing) -> Measured:
    return Measured(reset=outlook(LOST), start=start)


def test_a_rehearsal_as_text() -> None:
    assert "TPM" not in printed(None)
    assert "not known: not to be had" in printed(NOTHING)
    text = printed(outlooks(outlook(OTHER, False, True, None)))
    assert "a reset changes no register; not known of PCR 1" in text
    assert "the next start changes PCR 7 (variable SecureBoot)" in text
    for fate in ("will ask for its recovery key", "will open", "is not known"):
        assert f"the next start: vda3 (systemd-tpm2, PCR 7) {fate}" in text
    assert "the next start: not known: not to be had" in printed(outlooks(NOTHING))


def test_a_rehearsal_as_json() -> None:
    def tpm(found: Measured | Missing | None) -> Any:
        return json_output.read(rehearse_output.render(rehearsal(found), 2))["tpm"]

    assert tpm(None) is None
    assert tpm(NOTHING)["unknown"] == "not to be had"
    form = tpm(outlooks(outlook(OTHER, False)))
    assert form["reset"]["registers"][1]["changes"] is None
    assert form["start"]["registers"][7]["why"] == ["variable SecureBoot"]
    assert form["start"]["keys"] == [
        {"device": "vda3", "type": "systemd-tpm2", "pcrs": [7], "opens": False}
    ]
    assert tpm(outlooks(outlook(OTHER, known=False)))["start"]["keys"] is None

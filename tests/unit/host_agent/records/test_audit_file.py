"""An audit read back from its file: as in memory, and nothing else whatever stands there."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_agent.errors import UsageError
from host_agent.output import audit_document
from host_agent.output.shared import recorded
from host_agent.records import audit_file
from host_agent.verify import waivers
from tests.unit.host_agent.output.test_for_machines import ANY
from tests.unit.host_agent.shared import fleet, forty
from tests.unit.host_agent.verify.test_waivers import OLD, TODAY, waiver

AUDITS = fleet.audits()
TEXT = audit_document.render(AUDITS, ["qemu+ssh://gone/system"], 1)
FORM = json.loads(TEXT)


def test_what_was_written_is_read() -> None:
    read = audit_file.parse(TEXT, "f")
    assert read.unreachable == ("qemu+ssh://gone/system",)
    assert read.hosts == tuple(map(recorded.of, AUDITS))
    words = " ".join(one.word for one in read.hosts[0].domains)
    assert words == "verified verified mismatch no answer not running failed mismatch"
    assert any(one.known for one in read.hosts[1].domains)


def test_a_waived_warning_is_one() -> None:
    marked = waivers.apply([forty.audit(OLD)], [waiver()], TODAY).audits
    (host,) = audit_file.parse(audit_document.render(marked, [], 0), "f").hosts
    assert host == recorded.of(marked[0])
    assert [one.check for one in host.domains[0].findings if one.waived] == ["deprecated"]


@given(ANY)
@settings(deadline=None, max_examples=30)
def test_any_text_comes_back(text: str) -> None:
    audits = fleet.hostile_audits(text)
    assert audit_file.parse(audit_document.render(audits, [], 1), "f").hosts == tuple(
        map(recorded.of, audits)
    )


def places(form: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands, one domain in full."""
    items = form.items() if isinstance(form, dict) else enumerate(form)
    for key, value in items if isinstance(form, dict | list) else ():
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


SMALL = {**FORM, "hosts": [{**FORM["hosts"][1], "domains": FORM["hosts"][1]["domains"][:1]}]}
PLACES = [*places(SMALL)]


@given(
    st.sampled_from(PLACES),
    st.sampled_from(["", "x", 0, -1, 1e400, None, True, [], {}, ["x"], [{}], {"missing": "x"}]),
)
@settings(deadline=None, max_examples=400)
def test_what_is_damaged_is_refused_or_is_text(path: tuple[Any, ...], value: Any) -> None:
    form = copy.deepcopy(SMALL)
    inner = form
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    try:
        read = audit_file.parse(json.dumps(form), "f")
    except UsageError as error:
        assert str(error).startswith("f is no audit: ")
        return
    for host in read.hosts:
        for text in (host.uri, host.name, *(one.name for one in host.domains)):
            assert isinstance(text, str)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "f is no audit: it is no JSON: Expecting"), ("[]", "give what 'samemachine audit"),
        ("{}", "give what 'samemachine audit"), ("[" * 9999, "nested too deep"),
        (TEXT.replace('"schema": 1', '"schema": 2'), "it has schema 2, this samemachine knows 1"),
        (TEXT.replace('"uri"', '"url"'), "it lacks 'uri'"),
        (TEXT.replace(":audit:", ":verify:"), "give what 'samemachine audit"),
    ],
)  # fmt: skip
def test_what_is_no_audit_is_told_as_such(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        audit_file.parse(text, "f")


def test_an_older_samemachine_did_not_say_what_is_right() -> None:
    form = copy.deepcopy(SMALL)
    for name in ("versions", "manufacturers", "products"):
        del form["hosts"][0]["domains"][0]["evidence"]["expected"][name]
    (host,) = audit_file.parse(json.dumps(form), "f").hosts
    views = host.domains[0].views
    assert views is not None
    assert views.products is None

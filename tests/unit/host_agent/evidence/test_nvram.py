"""What the program that reads a store answers: taken within bounds."""

import contextlib
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.evidence.nvram import BootEntry, Certificate, NvramError, from_form

DIGEST = "ab" * 32
CERTIFICATE = {"sha256": DIGEST, "subject": "S\x1b[1m", "issuer": None, "not_after": "2026-06-27"}
DATABASE = {
    "size": 3, "sha256": DIGEST, "certificates": [CERTIFICATE], "hashes": 2,
    "written": "2010-03-06",
}  # fmt: skip
ENTRY = {
    "number": 3, "active": True, "title": "debian", "path": "PCI(dev=01:0)", "pci": [[1, 0]],
    "mac": "52:54:00:12:34:56", "partition": "00112233-4455-6677-8899-aabbccddeeff",
}  # fmt: skip


def form(**changes: Any) -> dict[str, Any]:
    return {
        "databases": {"db": DATABASE},
        "secure_boot_enable": None,
        "boot_order": [3],
        "boot": [ENTRY],
        "unreadable": [4],
        "variables": 9,
        **changes,
    }


def test_what_is_answered() -> None:
    found = from_form(form())
    (one,) = found.databases["db"].certificates
    assert one == Certificate(
        sha256=DIGEST, subject="S\\x1b[1m", issuer=None, not_after=date(2026, 6, 27)
    )
    assert found.boot[3] == BootEntry(
        number=3,
        active=True,
        title="debian",
        path="PCI(dev=01:0)",
        pci=((1, 0),),
        mac="52:54:00:12:34:56",
        partition=UUID("00112233-4455-6677-8899-aabbccddeeff"),
    )
    assert found.boot[3].name == "Boot0003 (network)"
    assert replace(found.boot[3], mac=None).name == "Boot0003 (debian)"
    assert (found.boot_order, found.unreadable, found.variables) == ((3,), (4,), 9)
    assert found.certificates("KEK", "db", "db") == (one,)


@pytest.mark.parametrize(
    ("keys", "enable", "on"),
    [((), None, False), (("PK",), None, True), (("PK",), True, True), (("PK",), False, False),
     (("db",), True, False)],
)  # fmt: skip
def test_whether_secure_boot_is_on(keys: tuple[str, ...], enable: object, on: bool) -> None:
    databases = dict.fromkeys(keys, DATABASE)
    assert from_form(form(databases=databases, secure_boot_enable=enable)).secure_boot is on


@pytest.mark.parametrize(
    "changes",
    [
        {"databases": {"db": DATABASE | {"sha256": "x"}}},
        {"databases": {"db": DATABASE | {"certificates": [CERTIFICATE] * 257}}},
        {"databases": {"db": DATABASE | {"size": -1}}},
        {"databases": {"db": DATABASE | {"hashes": "2"}}},
        {"databases": {"db": DATABASE | {"written": "yesterday"}}},
        {"databases": {"db": []}},
        {"secure_boot_enable": "on"},
        {"boot": [ENTRY] * 513},
        {"boot": [ENTRY | {"number": True}]},
        {"boot": [ENTRY | {"pci": [[1, 0]] * 65}]},
        {"boot": [ENTRY | {"partition": "none"}]},
        {"boot": {}},
        {"boot_order": [1 << 32]},
        {"variables": None},
    ],
)
def test_what_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(NvramError):
        from_form(form(**changes))


def test_what_lacks_is_no_answer() -> None:
    for key in form():
        with pytest.raises(NvramError):
            from_form({name: value for name, value in form().items() if name != key})


def test_a_text_is_cut() -> None:
    found = from_form(form(boot=[ENTRY | {"title": "x" * 1000, "mac": "none"}]))
    assert len(found.boot[3].title) == 201
    assert found.boot[3].mac is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(form())), ANYTHING)
def test_whatever_is_answered_is_taken_or_refused(key: str, value: Any) -> None:
    with contextlib.suppress(NvramError):
        from_form(form(**{key: value}))


@given(st.sampled_from(sorted(ENTRY)), ANYTHING)
def test_whatever_an_entry_is(key: str, value: Any) -> None:
    with contextlib.suppress(NvramError):
        from_form(form(boot=[ENTRY | {key: value}]))


@given(st.sampled_from(sorted(DATABASE)), ANYTHING)
def test_whatever_a_database_is(key: str, value: Any) -> None:
    with contextlib.suppress(NvramError):
        from_form(form(databases={"db": DATABASE | {key: value}}))

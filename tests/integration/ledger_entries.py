"""Entries for the tests of the ledger, and what it must keep to in trouble."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from host_agent.errors import LedgerError
from host_agent.finding import Finding, Outcome
from host_agent.records.entry import Entry

FINDING = Finding(
    check="same-network",
    outcome=Outcome.FAIL,
    sentence="the NIC moved",
    expected="0000:01:00.0",
    observed="0000:02:00.0",
    remedy="check its static address",
)
ENTRY = Entry(
    time=1.7e9,
    host="node17",
    uuid="7c1f0000-0000-4000-8000-000000000001",
    name="vm1",
    occasion="arrival",
    verdict="mismatch",
    title="shop-db-1",
    depth="guest",
    machine="pc-q35-7.2",
    qemu="7.2.22",
    boot_id="3f2a0000-0000-4000-8000-000000000002",
    passed=18,
    findings=(FINDING,),
)


def entry(**fields: Any) -> Entry:
    """Return an entry that differs in these fields."""
    return dataclasses.replace(ENTRY, **fields)


@contextlib.contextmanager
def trouble(sentence: str) -> Iterator[None]:
    """What is done in here must be refused, with these words."""
    with pytest.raises(LedgerError, match=sentence) as caught:
        yield
    assert "\n" not in str(caught.value)

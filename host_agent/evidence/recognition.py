"""The identifiers that are known of a domain today, and what of its baseline they tell. Pure.

A baseline keeps tokens; what is seen today tells which things they stand for. What is gone, and not
declared any more, keeps its token.
"""

from collections.abc import Iterable
from dataclasses import replace

from google.protobuf.message import DecodeError as ProtobufError

from host_agent.domain.definition import Declared
from host_agent.evidence import decode, identifiers
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import ProbedTables
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing
from samemachine.v1 import guest_pb2


def known(
    declared: Declared, observation: Observation | Missing,
    *views: Smbios | ProbedTables | Missing,
) -> frozenset[str]:  # fmt: skip
    """Return the identifiers in what is declared and seen."""
    found: set[str] = set()
    for definition in (declared.active, declared.persistent):
        found |= definition.identifiers if definition else frozenset()
    if isinstance(observation, Observation):
        found |= _in_report(observation.raw)
    for view in views:
        tables = view.smbios if isinstance(view, ProbedTables) else view
        if isinstance(tables, Smbios):
            found |= identifiers.in_tables(tables.tables)
        if isinstance(view, ProbedTables):
            found |= identifiers.in_options(view.options)
    return frozenset(found)


def told(before: Baseline | Missing, known_: Iterable[str]) -> Baseline | Missing:
    """Return the baseline with the identifiers that are known in the place of their tokens."""
    if isinstance(before, Missing) or before.salt is None:
        return before
    tell = identifiers.teller(before.salt, known_)
    seen = before.observation
    report = guest_pb2.Report.FromString(identifiers.changed(seen.raw, tell))
    options = before.options
    return replace(
        before,
        observation=decode.decode(report, b"", seen.seconds, seen.received, hashed=True),
        options=None if options is None else identifiers.changed_options(options, tell),
    )


def _in_report(raw: bytes) -> frozenset[str]:
    try:
        return identifiers.in_report(raw)
    except ProtobufError:
        return frozenset()

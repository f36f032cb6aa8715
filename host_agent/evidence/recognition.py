"""The identifiers that are known of a domain today, and what of its baseline they tell. Pure.

A baseline keeps tokens; what is seen today tells which things they stand for. What is gone, and not
declared any more, keeps its token.
"""

from google.protobuf.message import DecodeError as ProtobufError

from host_agent.domain.definition import Declared
from host_agent.evidence import identifiers
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import ProbedTables
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing


def known(
    declared: Declared,
    observation: Observation | Missing,
    *views: Smbios | ProbedTables | Missing,
) -> frozenset[str]:
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


def _in_report(raw: bytes) -> frozenset[str]:
    try:
        return identifiers.in_report(raw)
    except ProtobufError:
        return frozenset()

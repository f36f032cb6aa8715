"""Which guests tell one endorsement key: one's TPM is a copy of the other's. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from host_agent.case.case import Case
from host_agent.evidence.observation import Observation
from host_agent.missing import Missing


def endorsement(case: Case) -> str | None:
    """Return the fingerprint that a guest tells; None: it tells none."""
    seen = case.observation
    tpm = seen.hardware.tpm if isinstance(seen, Observation) else seen
    return None if isinstance(tpm, Missing) else tpm.endorsement


def others(cases: Iterable[Case]) -> Mapping[UUID, tuple[str, ...]]:
    """Return the domains whose key another one has, each with the names of those others."""
    of_key: dict[str, list[tuple[UUID, str]]] = defaultdict(list)
    for case in cases:
        key = endorsement(case)
        if key is not None:
            definition = case.declared.definition
            of_key[key].append((definition.uuid, definition.name))
    return {
        uuid: tuple(sorted(name for other, name in them if other != uuid))
        for them in of_key.values()
        if len(them) > 1
        for uuid, _ in them
    }

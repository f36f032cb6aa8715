"""Which baseline a domain is held against: that in its XML, else the ledger's copy. Pure."""

from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from host_agent.domain.definition import Definition
from host_agent.evidence.baseline import NAMESPACE, Baseline
from host_agent.missing import Missing, Reason
from host_agent.printable import argument

NO_BASELINE = Missing(
    reason=Reason.ABSENT, sentence="no baseline was taken", remedy="samemachine baseline DOMAIN"
)


def choose(
    definition: Definition,
    kept: Callable[[UUID], str | None],
    known: Callable[[], Collection[str]] = tuple,
) -> Baseline | Missing:
    """Return the baseline, or why there is none; ``kept`` returns the copy that the ledger has.

    An owner that rewrites the XML at each start loses it there: then the copy is as good. Where the
    XML has one that can't be used, the copy is used and says what it is used instead of.

    known: returns identifiers that are put in the place of their tokens; asked where there are any.
    """
    written = definition.metadata.get(NAMESPACE)
    found = NO_BASELINE if written is None else _read(written, definition, known)
    if isinstance(found, Baseline):
        return found
    copy = kept(definition.uuid)
    if copy is None:
        return found
    own = _read(copy, definition, known)
    if isinstance(own, Missing):
        return own if written is None else found
    return own if written is None else replace(own, instead_of=found.sentence)


def newer(before: Baseline, definition: Definition, copy: str | None) -> Baseline | None:
    """Return the ledger's copy where it is newer than the baseline in the XML; None: it is not."""
    if copy is None or before.instead_of is not None:
        return None
    kept = _read(copy, definition)
    return kept if isinstance(kept, Baseline) and kept.taken > before.taken else None


def _read(
    element: str, definition: Definition, known: Callable[[], Collection[str]] = tuple
) -> Baseline | Missing:
    # Few domains have one.
    from host_agent.evidence import baseline_element  # noqa: PLC0415

    try:
        return baseline_element.from_element(element, definition.uuid, known())
    except baseline_element.BaselineError as error:
        foreign = isinstance(error, baseline_element.ForeignBaselineError)
        return Missing(
            reason=Reason.ABSENT if foreign else Reason.REFUSED,
            sentence=f"the baseline can't be used: {error}",
            remedy="take a new one: samemachine baseline "
            f"{argument(definition.name, definition.uuid)}",
        )

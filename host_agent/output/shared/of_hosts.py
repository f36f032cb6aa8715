"""The results of a host, whether audited or verified, as the forms for machines take them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from host_agent.case.results import Audited, Confirmed, Failed, HostAudit
from host_agent.difference import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class OfHost:
    """What was found on one host."""

    host: str
    """Its name; empty: of domains that could not be looked at, and whose host nobody said."""
    results: tuple[Audited | Failed, ...]
    seconds: float | None = None
    """How long it took; None: that was not measured."""
    started: float | None = None
    """Seconds since 1970-01-01 UTC."""
    predictions: tuple[Prediction, ...] = ()


def of_audits(audits: Sequence[HostAudit]) -> tuple[OfHost, ...]:
    """Return the hosts of an audit."""
    return tuple(
        OfHost(
            host=one.host.name,
            results=one.results,
            seconds=one.seconds,
            started=one.started,
            predictions=one.predictions,
        )
        for one in audits
    )


def of_confirmed(results: Iterable[Confirmed | Failed]) -> tuple[OfHost, ...]:
    """Return the hosts of a verification, in the order in which they come."""
    found: dict[str, list[Audited | Failed]] = {}
    for one in results:
        result = one if isinstance(one, Failed) else one.audited
        host = "" if isinstance(result, Failed) else result.case.host
        found.setdefault(host, []).append(result)
    return tuple(OfHost(host=host, results=tuple(same)) for host, same in found.items())

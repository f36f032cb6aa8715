"""How domains stand, as Prometheus reads it: for a textfile collector, and for ``serve``.

Labels are bounded: names and machine types of libvirt's domains, ids of checks, our own words. What
a guest says is in none of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host_agent.case.results import HostAudit
from host_agent.errors import UsageError
from host_agent.printable import printable
from host_agent.uris import place
from host_agent.verify import standing
from host_agent.verify.standing import Standing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

_LONGEST = 255
_DOMAIN = ("host", "domain", "uuid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is told of: domains, and the connections over which they were asked for."""

    standings: tuple[Standing, ...]
    reachable: Mapping[str, bool] = field(default_factory=dict)
    """A connection's URI → whether its libvirt answers."""
    audits: tuple[HostAudit, ...] = ()
    """Of which it is told when they were made, and how long they took."""


def of_audits(audits: Sequence[HostAudit], unreachable: Iterable[str]) -> Looked:
    """Return what is told of audits."""
    return Looked(
        standings=tuple(
            standing.of_result(
                result, host=one.host.name, now=one.started, predictions=one.predictions
            )
            for one in audits
            for result in one.results
        ),
        reachable={
            **{one.host.uri: True for one in audits},
            **dict.fromkeys(unreachable, False),
        },
        audits=tuple(audits),
    )


def render(looked: Looked) -> str:
    """Return the text format; raises ``UsageError`` where its library is not installed."""
    # It takes long to load, and few ask for it.
    try:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(f"metrics need Python's prometheus-client ({error})") from error

    registry = CollectorRegistry()
    register(registry, lambda: looked)
    return generate_latest(registry).decode("utf-8")


def register(registry: "CollectorRegistry", look: Callable[[], Looked]) -> None:
    """Have a registry ask for what is to be told whenever it is read, from whatever thread."""
    registry.register(_Collector(look))


class _Collector:
    """Makes metrics of what is found at each look."""

    def __init__(self, look: Callable[[], Looked]) -> None:
        self._look = look

    def describe(self) -> "Iterable[Metric]":
        """Return none: a registry that knows no names asks for none when this comes to it."""
        return ()

    def collect(self) -> "Iterable[Metric]":
        """Yield what there is now."""
        return _metrics(self._look())


def _metrics(looked: Looked) -> "Iterator[Metric]":
    yield _gauge(
        "samemachine_domain_info",
        "A libvirt domain, with the machine type that is declared for it. Always 1.",
        (*_DOMAIN, "machine", "architecture"),
        (((*_names(one), one.machine, one.architecture), 1) for one in looked.standings),
    )
    yield _gauge(
        "samemachine_domain_verdict",
        "1 for the verdict that a domain has, 0 for those that it has not.",
        (*_DOMAIN, "verdict"),
        (
            ((*_names(one), word.replace(" ", "_")), int(one.word == word))
            for one in looked.standings
            for word in standing.WORDS
        ),
    )
    counted = Counter((one.host, *found) for one in looked.standings for found in one.outcomes)
    yield _gauge(
        "samemachine_finding",
        "How many domains of a host have this outcome of a check: samemachine-checks(7).",
        ("host", "check", "outcome"),
        counted.items(),
    )
    yield _gauge(
        "samemachine_last_verified_timestamp_seconds",
        "When a domain was verified last; none where that is not known.",
        _DOMAIN,
        ((_names(one), one.verified) for one in looked.standings if one.verified is not None),
    )
    yield _gauge(
        "samemachine_host_reachable",
        "Whether the libvirt of a connection answers.",
        ("connection",),
        (((place(uri),), int(there)) for uri, there in looked.reachable.items()),
    )
    if looked.audits:
        yield _gauge(
            "samemachine_audit_timestamp_seconds",
            "When the audit of a host began.",
            ("host",),
            (((one.host.name,), one.started) for one in looked.audits),
        )
        yield _gauge(
            "samemachine_audit_duration_seconds",
            "How long the audit of a host took.",
            ("host",),
            (((one.host.name,), one.seconds) for one in looked.audits),
        )


def _names(one: Standing) -> tuple[str, str, str]:
    return one.host, one.name, one.uuid


def _gauge(
    name: str,
    help_: str,
    labels: Sequence[str],
    samples: Iterable[tuple[Sequence[str], float]],
) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - as above

    made = GaugeMetricFamily(name, help_, labels=labels)
    # Two of a name would make the whole page unreadable: the last one counts.
    told = {
        tuple(printable(value, _LONGEST) for value in values): number for values, number in samples
    }
    for values, number in told.items():
        made.add_metric(values, number)
    return made

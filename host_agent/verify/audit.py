"""The job ``audit``: a whole host, or some of its domains: evidence, checks, verdicts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from host_agent import side_by_side
from host_agent.case import clones
from host_agent.case.case import Case
from host_agent.case.doubles import Sighting
from host_agent.case.gather import Elsewhere, Gatherer, Kept, nothing_kept
from host_agent.case.results import Audited, Failed, Host, HostAudit
from host_agent.difference import Prediction
from host_agent.guard import guarded
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Facts, connected, is_local
from host_agent.hypervisor.connection import QEMU
from host_agent.hypervisor.selection import chosen
from host_agent.machine_types import packages
from host_agent.records.raised import raised_in
from host_agent.side_by_side import Progress
from host_agent.verify import policy, predicted
from host_agent.verify.one_domain import audit_one

_BINARIES = "/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/bin/kvm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an audit is done."""

    names: Sequence[str] = ()
    """Names, display names or UUIDs of the domains; none: all of them."""
    seconds: float = 10.0
    """What one domain may take until its guest agent has answered."""
    at_once: int = 8
    """How many domains are asked at the same time."""
    probe: bool = True
    """Whether QEMU itself is asked what it builds for each domain."""
    rehearse: bool = False
    """Whether the firmware is run on each running domain's devices."""
    read_esp: bool = False
    """Whether the partition tables of its disks are read."""
    opened: OpenedChannels = field(default_factory=OpenedChannels)
    elsewhere: Elsewhere = field(default_factory=dict)
    """The domains that run on other hosts as well, with where."""
    kept: Kept = nothing_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One domain that is done, while others of its host are not yet."""

    uri: str
    host: str
    """The host's name."""
    result: Audited | Failed
    predictions: tuple[Prediction, ...]


def audit(
    uri: str,
    options: Options,
    progress: Progress = lambda *_: None,
    ended: Callable[[Ended], None] | None = None,
    begun: Callable[[Host], None] | None = None,
) -> HostAudit:
    """Audit one host; whatever is wrong with one domain is that domain's own result.

    ``begun`` is told of the host before its domains are asked, ``ended`` of each domain as soon as
    it is done, in the order in which they are; of those that tell which TPM they have, when all
    are, since another one may have a copy of it.
    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` where it has no domain
    of a name that was asked for.
    """
    started, clock = time.time(), time.monotonic()
    with connected(uri) as hypervisor:
        listed = hypervisor.domains()
        domains = chosen(listed, options.names, uri)
        gatherer = Gatherer.on(
            hypervisor,
            uri,
            seconds=options.seconds,
            probe=options.probe,
            opened=options.opened,
            kept=options.kept,
            elsewhere=options.elsewhere,
            raised=raised_in(),
            listed=listed,
            rehearse=options.rehearse,
            read_esp=options.read_esp,
        )
        foretold = _Foretold()
        if begun is not None:
            begun(_host(uri, gatherer.facts, ()))

        def told(result: Audited | Failed, *, last: bool = False) -> None:
            if ended is not None and last is _waits(result):
                name, expected = gatherer.facts.name, foretold.of(result)
                ended(Ended(uri=uri, host=name, result=result, predictions=expected))

        results = tuple(
            side_by_side.each(
                lambda domain: audit_one(domain, gatherer),
                domains,
                options.at_once,
                progress,
                told,
            )
        )
        results = _with_clones(results)
        for result in results:
            told(result, last=True)
        return HostAudit(
            host=_host(uri, gatherer.facts, results),
            results=results,
            seconds=time.monotonic() - clock,
            started=started,
            predictions=_all_foretold(results),
        )


def found_elsewhere(
    result: Audited | Failed, place: str, twice: Mapping[UUID, tuple[Sighting, ...]]
) -> Audited | Failed:
    """Return a result as it is when what runs twice is known.

    ``twice``: what a guest's UUID was seen with, on all hosts; ``place`` is its own host's.
    """
    active = result.case.declared.active if isinstance(result, Audited) else None
    if active is None or not isinstance(result, Audited):
        return result
    others = tuple(
        one
        for one in twice.get(active.guest_uuid, ())
        if (one.place, one.name) != (place, active.name)
    )
    if not others:
        return result
    return _judged_anew(replace(result.case, elsewhere=others + result.case.elsewhere))


def _judged_anew(case: Case) -> Audited | Failed:
    definition = case.declared.definition

    def failed(why: str) -> Failed:
        return Failed(name=definition.name, uuid=str(definition.uuid), error=why)

    return guarded(lambda: Audited(case=case, verdict=policy.judge(case)), failed)


def _waits(result: Audited | Failed) -> bool:
    return isinstance(result, Audited) and clones.endorsement(result.case) is not None


def _with_clones(results: tuple[Audited | Failed, ...]) -> tuple[Audited | Failed, ...]:
    """Judge anew what turned out to share its TPM with another domain."""
    others = clones.others(one.case for one in results if isinstance(one, Audited))

    def judged(result: Audited | Failed) -> Audited | Failed:
        if isinstance(result, Failed):
            return result
        found = others.get(result.case.declared.definition.uuid)
        if found is None:
            return result
        return _judged_anew(replace(result.case, tpm_clones=found))

    return tuple(map(judged, results)) if others else results


class _Foretold:
    """Predictions for one domain after the other: atlases are read once for what many share."""

    def __init__(self) -> None:
        self._known: dict[frozenset[tuple[str, str, str]], tuple[Prediction, ...]] = {}

    def of(self, result: Audited | Failed) -> tuple[Prediction, ...]:
        wanted = guarded(lambda: frozenset(predicted.wanted([result])), lambda _: frozenset())
        if wanted not in self._known:
            self._known[wanted] = guarded(lambda: _predictions(wanted), lambda _: ())
        return self._known[wanted]


def _all_foretold(results: tuple[Audited | Failed, ...]) -> tuple[Prediction, ...]:
    # They fold what is said; without them all of it is said.
    return guarded(lambda: _predictions(frozenset(predicted.wanted(results))), lambda _: ())


def _predictions(wanted: frozenset[tuple[str, str, str]]) -> tuple[Prediction, ...]:
    if not wanted:
        return ()
    from host_agent.atlas.predictions import predictions  # noqa: PLC0415 - few forecasts differ

    return predictions(wanted)


def _host(uri: str, facts: Facts, results: Iterable[Audited | Failed]) -> Host:
    emulators = [
        result.case.declared.definition.emulator
        for result in results
        if isinstance(result, Audited) and result.case.declared.definition.emulator
    ]
    # The binary that most of the domains use is the host's.
    common = max(set(emulators), key=emulators.count, default=None)
    local = is_local(uri)
    package = None
    if local and facts.driver == QEMU:
        candidates = (common, *_BINARIES) if common else _BINARIES
        package = next(filter(None, map(packages.package_of, candidates)), None)
    return Host(
        uri=uri,
        name=facts.name,
        distribution=packages.distribution_name() if local else None,
        driver=facts.driver,
        libvirt=facts.libvirt,
        hypervisor=facts.hypervisor,
        package=package,
    )

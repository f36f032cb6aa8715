"""Where the domains of a plan are: hosts, opened and asked side by side."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from host_agent import side_by_side
from host_agent.atlas.atlas import Atlas
from host_agent.case.results import Failed
from host_agent.case.telling import SECONDS, Telling
from host_agent.domain.definition import Definition
from host_agent.errors import LibvirtError, LibvirtTimeoutError, UsageError
from host_agent.guard import guarded
from host_agent.hypervisor import Domain, Hypervisor, connected, is_local
from host_agent.hypervisor.selection import chosen
from host_agent.migrate.destination import Destination
from host_agent.migrate.forecast import Ask
from host_agent.missing import Missing, Reason
from host_agent.plan import sites as place
from host_agent.plan import subject as plan_subject
from host_agent.plan.facts import Options, Subject
from host_agent.plan.hop import Located, Starts, Stop
from host_agent.qemu import process as qemu_process
from host_agent.qemu.domain_probe import DomainProbe
from host_agent.qemu.process import NONE, Processes
from host_agent.side_by_side import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The hosts that could be asked, and all their domains."""

    stops: tuple[Stop, ...]
    located: tuple[Located, ...]
    staying: tuple[str, ...]
    """Names of those that are the goal itself."""
    unreachable: tuple[str, ...]
    """What the others' libvirts said."""


def opened(
    uri: str,
    ask: Ask | None,
    stack: ExitStack,
    given: Atlas | None = None,
    seconds: float = SECONDS,
) -> Stop:
    """Return a host; it is closed with ``stack``. Raises ``LibvirtError``.

    ``seconds``: what one of its guests may take to answer.
    """
    hypervisor = stack.enter_context(connected(uri))
    host, local = Destination.of(hypervisor), is_local(uri)
    return Stop(
        site=place.of_host(host, local=local),
        host=host,
        ask=ask if local else None,
        given=given,
        local=local,
        telling=Telling(uri=uri, seconds=seconds),
        starts=_starts(hypervisor) if local else None,
    )


def _starts(hypervisor: Hypervisor) -> Starts:
    """Return what asks this host's own pair of libvirt and QEMU."""
    probe = DomainProbe(1)

    def starts(definition: Definition, xml: str) -> Missing | None:
        found = probe.next_start(hypervisor, definition, xml)
        return found if isinstance(found, Missing) and found.reason is Reason.NO_START else None

    return starts


def sources(
    options: Options, goal: Stop, ask: Ask | None, stack: ExitStack, progress: Progress
) -> Sources:
    """Ask all sources for the domains; one that is away costs no other its plan.

    Raises ``LibvirtError`` where none can be asked, ``UsageError`` where a domain is on none of
    them, or where they are the goal itself.
    """
    there: list[tuple[str, Stop, Destination]] = []
    staying: list[str] = []
    errors: list[LibvirtError] = []
    seconds = max((one.seconds / 4 for one in options.under or ()), default=SECONDS)
    for uri in dict.fromkeys(options.uris):
        try:
            stop = opened(uri, ask, stack, seconds=seconds)
        except LibvirtError as error:
            errors.append(error)
            continue
        if _is_same(stop, goal):
            staying.append(stop.site.name)
        elif stop.host is not None and not any(_is_same(stop, other) for _, other, _ in there):
            there.append((uri, stop, stop.host))
    if not there:
        if errors:
            raise errors[0]
        raise UsageError(f"{', '.join(staying)} is both source and target: domains are there")
    picked = _picked([(uri, list(host.domains)) for uri, _, host in there], options.names)
    flat = [
        (stop, domain, is_local(uri))
        for (uri, stop, _), domains in zip(there, picked, strict=True)
        for domain in domains
    ]
    local = any(is_local(uri) for uri, _, _ in there)
    collector = Collector(qemu_process.running() if local else NONE)
    subjects = side_by_side.each(
        lambda one: collector.collect(*one), flat, options.at_once, progress
    )
    return Sources(
        stops=tuple(stop for _, stop, _ in there),
        located=tuple(
            (stop, subject) for (stop, _, _), subject in zip(flat, subjects, strict=True)
        ),
        staying=tuple(staying),
        unreachable=tuple(str(error) for error in errors),
    )


def _is_same(one: Stop, other: Stop) -> bool:
    uuid = one.site.end.uuid
    return uuid is not None and uuid == other.site.end.uuid


def _picked(hosts: Sequence[tuple[str, list[Domain]]], names: Sequence[str]) -> list[list[Domain]]:
    """Return each host's chosen domains; a name need be on one of them only."""
    if not names:
        return [domains for _, domains in hosts]
    picked: list[list[Domain]] = [[] for _ in hosts]
    for name in names:
        refused: list[UsageError] = []
        for (uri, domains), found in zip(hosts, picked, strict=True):
            try:
                found += [one for one in chosen(domains, (name,), uri) if one not in found]
            except UsageError as error:
                refused.append(error)
        if len(refused) == len(hosts):
            raise refused[0]
    return picked


class Collector:
    """Asks for domains; nothing more of a host that once did not answer."""

    def __init__(self, processes: Processes = NONE) -> None:
        """``processes``: QEMU's on this host."""
        self._processes = processes
        self._hung: dict[int, str] = {}

    def collect(self, stop: Stop, domain: Domain, local: bool) -> Subject | Failed:
        """Return what a plan needs of a domain, or why it is not to be had."""

        def failed(why: str) -> Failed:
            return Failed(name=domain.name, uuid=str(domain.uuid), error=why)

        def collected() -> Subject:
            try:
                return plan_subject.collect(
                    domain,
                    local=local,
                    installed=stop.site.end.qemu,
                    processes=self._processes if local else NONE,
                    arguments=stop.host.arguments if stop.host is not None else None,
                )
            except LibvirtTimeoutError as timeout:
                self._hung[id(stop)] = str(timeout)
                raise

        hung = self._hung.get(id(stop))
        return guarded(collected, failed) if hung is None else failed(hung)

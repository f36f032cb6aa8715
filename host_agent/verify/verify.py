"""The jobs ``verify`` and ``baseline``: domains of one host held against what they were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host_agent import side_by_side
from host_agent.case.gather import Elsewhere, Gatherer
from host_agent.case.results import Confirmed, Failed
from host_agent.errors import UsageError
from host_agent.guard import guarded
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, connected
from host_agent.hypervisor.selection import chosen
from host_agent.records.raised import raised_in
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.side_by_side import Progress
from host_agent.verify.verifier import Verifier, arrived, kept_in

if TYPE_CHECKING:
    # SQLAlchemy takes as long to load as everything else together.
    from host_agent.records.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How domains are verified, or their baselines taken."""

    names: Sequence[str] = ()
    """Names, display names or UUIDs of the domains; none: all that run."""
    wait: float = 0.0
    """Seconds for a guest to answer."""
    since: float | None = None
    """Only domains that came by live migration since then, in seconds since 1970-01-01 UTC."""
    accept: bool = False
    """Whether today's state becomes the baseline instead of being judged by it."""
    seconds: float = 10.0
    at_once: int = 8
    probe: bool = True
    clear_identifiers: bool = False
    """Whether addresses and serial numbers are kept as they are, and not hashed."""
    opened: OpenedChannels = field(default_factory=OpenedChannels)
    elsewhere: Elsewhere = field(default_factory=dict)
    """The domains that run on other hosts as well, with where."""


def verify(
    uri: str,
    options: Options,
    ledger: "Ledger | None",
    progress: Progress = lambda *_: None,
    ended: Callable[[Confirmed | Failed], None] | None = None,
) -> list[Confirmed | Failed]:
    """Verify domains of one host, or take their baselines; a domain's trouble is its own result.

    ``ended`` is told of each domain as soon as it is done, in the order in which they are.
    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` where it has no domain
    of a name that was asked for.
    """
    with connected(uri) as hypervisor:
        domains = chosen(hypervisor.domains(), options.names, uri)
        upgrades = UpgradeJournal()
        verifier = Verifier(
            gatherer=Gatherer.on(
                hypervisor,
                uri,
                seconds=options.seconds,
                probe=options.probe,
                opened=options.opened,
                kept=kept_in(ledger),
                elsewhere=options.elsewhere,
                raised=raised_in(upgrades.folder),
            ),
            ledger=ledger,
            upgrades=upgrades,
            clear_identifiers=options.clear_identifiers,
        )
        if not options.names:
            domains = running(domains)
        if options.since is not None:
            processes = verifier.gatherer.processes
            if processes is None:
                raise UsageError(
                    f"{uri}: what arrived can be seen only on the host itself; run it there"
                )
            domains = [
                domain
                for domain in domains
                if arrived(processes.of(domain.name, domain.uuid), options.since)
            ]

        def one(domain: Domain) -> Confirmed | Failed:
            if options.accept:
                return verifier.accept(domain)
            return verifier.confirm(domain, options.wait)

        return side_by_side.each(one, domains, options.at_once, progress, ended)


def running(domains: Sequence[Domain]) -> list[Domain]:
    """Return those that run; one that can't be asked is among them, and fails by itself."""
    return [domain for domain in domains if guarded(domain.is_active, lambda _: True)]

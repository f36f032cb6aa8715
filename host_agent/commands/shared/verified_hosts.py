"""Domains of many hosts verified side by side, each host in a process of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from host_agent import asked
from host_agent.case.results import Confirmed, Failed
from host_agent.commands.shared.ledgers import open_ledger
from host_agent.commands.shared.side_by_side_hosts import Asked, ask, told_of
from host_agent.hosts.target import Target
from host_agent.verify.verify import Options, verify

if TYPE_CHECKING:
    from host_agent.hosts.children import Say

MODULES = "host_agent.commands.shared.verified_hosts", "host_agent.records.ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """All that was found on a host."""

    results: tuple[Confirmed | Failed, ...]


def verify_hosts(
    targets: Sequence[Target], of: Mapping[str, Options], ledger: str | None, *, history: bool
) -> tuple[list[Confirmed | Failed], Asked]:
    """Verify the domains of all hosts, each as ``of`` has it by URI; raises ``UsageError``.

    ``history``: whether the ledger of this URL is written to.
    """
    found: dict[str, list[Confirmed | Failed]] = {one.uri: [] for one in targets}

    def heard(uri: str, fact: object) -> _Whole | None:
        match fact:
            case Confirmed() | Failed():
                found[uri].append(fact)
            case _Whole():
                found[uri] = list(fact.results)
                return fact
        return None

    # A time that was given as so long ago is another one each time.
    words = {
        (tuple(one.names), one.wait, one.since is None, one.accept, one.seconds, one.probe)
        for one in of.values()
    }
    came = ask(
        partial(_verify_host, of, ledger, history, asked.is_told()),
        targets,
        heard,
        request=f"verify {ledger} {sorted(words)}",
        more=max((one.wait + one.seconds for one in of.values()), default=0.0),
        modules=MODULES,
    )
    return [result for results in found.values() for result in results], came


def _verify_host(
    of: Mapping[str, Options],
    ledger: str | None,
    history: bool,
    debug: bool,
    uri: str,
    say: "Say",
) -> None:
    with told_of(debug):
        opened = open_ledger(ledger) if history else None
        say(_Whole(results=tuple(verify(uri, of[uri], opened, ended=say))))

"""Many hosts asked side by side by one command: how many, how long, and what is kept meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from host_agent import asked
from host_agent.commands.shared.console import complain, progress
from host_agent.commands.shared.hosts import listed_in
from host_agent.errors import HostAgentError, UsageError
from host_agent.hosts.target import Target
from host_agent.output.shared.exit_codes import UNREACHABLE

if TYPE_CHECKING:
    from host_agent.hosts.children import Work
    from host_agent.hosts.run_journal import RunJournal

HOSTS_AT_ONCE = 32
SECONDS = 30.0
"""As long as any call of libvirt's is waited for."""
_Command = Callable[..., int]
_KEY = "samemachine.hosts"


@dataclass(slots=True, kw_only=True)
class Hosts:
    """How many hosts are asked."""

    at_once: int = HOSTS_AT_ONCE
    seconds: float = SECONDS
    resume: bool = False


def side_by_side_options(command: _Command) -> _Command:
    """Give a command that asks hosts side by side the options for that."""
    for option in (
        _option(
            "--resume",
            "resume",
            is_flag=True,
            help="go on with the same run where it was broken off: hosts that were done are not "
            "asked again",
        ),
        _option(
            "--host-timeout",
            "seconds",
            type=click.FloatRange(0.1, 86400),
            default=SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="how long one of several hosts may take to answer at all",
        ),
        _option(
            "--host-jobs",
            "at_once",
            type=click.IntRange(1, 1024),
            default=HOSTS_AT_ONCE,
            show_default=True,
            metavar="N",
            help="how many hosts to ask at the same time",
        ),
    ):
        command = option(command)
    return command


def _option(name: str, field_: str, **settings: Any) -> Callable[[_Command], _Command]:
    def remember(context: click.Context, _: click.Parameter, value: Any) -> None:
        setattr(context.meta.setdefault(_KEY, Hosts()), field_, value)

    return click.option(name, expose_value=False, callback=remember, **settings)


@dataclass(slots=True, kw_only=True)
class Asked:
    """What came of asking many hosts."""

    unreachable: dict[str, HostAgentError] = field(default_factory=dict)
    """By URI: of these what was said before may be there, and not all."""
    interrupted: bool = False


def ask(
    work: "Work",
    targets: Sequence[Target],
    heard: Callable[[str, object], object | None],
    *,
    request: str,
    more: float = 0.0,
    modules: Sequence[str] = (),
) -> Asked:
    """Ask all hosts, and tell ``heard`` of each fact, by URI.

    What it returns is the whole of that host: it is kept, and heard again where the run goes on
    after it was broken off. ``request`` tells what was asked for. ``more`` seconds a host may be
    silent between two facts. Raises ``UsageError``, as a host did.
    """
    from host_agent.hosts import children

    context = click.get_current_context(silent=True)
    hosts: Hosts = (context.meta.get(_KEY) if context is not None else None) or Hosts()
    result = Asked()
    with _journal(hosts, targets, request) as (journal, done), progress("hosts") as told:
        for uri, whole in done.items():
            heard(uri, whole)
        left = [one for one in targets if one.uri not in done]
        ended = len(done)
        told(ended, len(targets))
        facts = children.each(
            work, left, at_once=hosts.at_once, seconds=hosts.seconds, more=more, modules=modules
        )
        try:
            for target, fact in facts:
                if isinstance(fact, children.End):
                    ended += 1
                    told(ended, len(targets))
                    if isinstance(fact.error, UsageError):
                        raise fact.error
                    if fact.error is not None:
                        complain(str(fact.error), UNREACHABLE)
                        result.unreachable[target.uri] = fact.error
                    continue
                whole = heard(target.uri, fact)
                if whole is not None:
                    journal.keep(target.uri, whole)
        except KeyboardInterrupt:
            result.interrupted = True
            complain(
                f"interrupted: {ended} of {len(targets)} hosts are done; the same with --resume "
                "goes on",
                0,
            )
        finally:
            facts.close()
        if not result.interrupted and not result.unreachable:
            journal.end()
    return result


class _Journal:
    """A run's journal; one that can't be written costs the run nothing, and is told of once."""

    def __init__(self, journal: "RunJournal") -> None:
        self._journal = journal
        self._works = True

    def begin(self) -> None:
        self._try(self._journal.begin)

    def keep(self, uri: str, whole: object) -> None:
        self._try(lambda: self._journal.keep(uri, whole))

    def end(self) -> None:
        self._journal.end()

    def _try(self, do: Callable[[], None]) -> None:
        if not self._works:
            return
        try:
            do()
        except OSError as error:
            self._works = False
            complain(f"could not go on where this is broken off: {error}", 0)


@contextmanager
def _journal(
    hosts: Hosts, targets: Sequence[Target], request: str
) -> Iterator[tuple[_Journal, dict[str, object]]]:
    from host_agent import __version__
    from host_agent.hosts.run_journal import RunJournal

    kept = RunJournal(f"{__version__} {request} {listed_in() or [one.uri for one in targets]}")
    journal = _Journal(kept)
    done: dict[str, object] = {}
    if hosts.resume:
        found = {one.uri: kept.kept(one.uri) for one in targets}
        done = {uri: one.found for uri, one in found.items() if one is not None}
        first = min((one.time for one in found.values() if one is not None), default=None)
        if first is None:
            complain("there is no such run that was broken off: all hosts are asked", 0)
        else:
            when = f"{datetime.fromtimestamp(first).astimezone():%Y-%m-%d %H:%M:%S %z}"
            complain(f"{len(done)} of {len(targets)} hosts were done by the run of {when}", 0)
    else:
        journal.begin()
    yield journal, done


@contextmanager
def told_of(debug: bool) -> Iterator[None]:
    """Say on standard error what is asked of whom meanwhile, if that is wanted."""
    with ExitStack() as stack:
        if debug:
            stack.enter_context(
                asked.told(lambda line: click.echo(f"samemachine: {line}", err=True))
            )
        yield

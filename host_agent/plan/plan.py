"""The job ``plan``: which domains of some hosts get to another host or release, and how."""

import time
from contextlib import ExitStack
from dataclasses import replace

from host_agent.migrate.forecast import Ask
from host_agent.migrate.rehearsal import Rehearsals
from host_agent.plan import sites
from host_agent.plan.facts import Hop, Options, Plan
from host_agent.plan.hop import Stop, hop, onward
from host_agent.plan.sources import opened, sources
from host_agent.side_by_side import Progress


def plan(options: Options, ask: Ask | None, progress: Progress = lambda *_: None) -> Plan:
    """Return what becomes of each domain on each hop; nothing is changed anywhere.

    ``ask`` asks this host's QEMU. Raises ``LibvirtError`` where a goal, or every source, can't
    be reached; ``UsageError`` where a goal or a domain is not known.
    """
    clock = time.monotonic()
    with ExitStack() as stack:
        goals = [_goal(at, options, ask, stack) for at in range(len(options.goals))]
        found = sources(options, goals[0], ask, stack, progress)
        stops, located = found.stops, found.located
        hops: list[Hop] = []
        for goal in goals:
            hops.append(hop(stops, goal, located, options))
            located = tuple(onward(located, hops[-1].planned, goal))
            stops = (goal,)
    return Plan(
        hops=tuple(hops),
        seconds=time.monotonic() - clock,
        staying=found.staying,
        unreachable=found.unreachable,
    )


def _goal(at: int, options: Options, ask: Ask | None, stack: ExitStack) -> Stop:
    goal = options.goals[at]
    if not sites.is_uri(goal):
        stop = Stop(site=sites.named(goal, options.on))
    else:
        stop = opened(goal, ask, stack, options.atlas if at == 0 else None)
    if options.under is None:
        return stop
    return replace(stop, rehearsals=Rehearsals(replace(options.under[at], local=stop.local)))

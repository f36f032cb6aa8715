"""What a watched fleet looks like, and what changed in it last. Pure."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from host_agent.case.results import Audited, Failed
from host_agent.verify import folding

MOST_CHANGES = 200
"""Of which the newest are kept."""
ORDER = ("mismatch", "failed", folding.NO_ANSWER, "unverified", "verified", "not running")
"""Worst first."""
GONE = "gone"
"""The word for a domain that its host has no more."""
_UNSEEN = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one domain."""

    uri: str
    uuid: str
    name: str
    word: str
    """As people read a verdict (``folding.word``), or ``GONE``."""
    depth: str = ""
    machine: str = ""
    why: str = ""
    """The first thing that is wrong, or missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLook:
    """What is to be said of a host."""

    uri: str
    name: str
    whole: bool = False
    """Whether each of its domains has been looked at by now."""
    trouble: str = ""
    """Why it can't be asked; empty: it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A domain as it stands."""

    look: Look
    since: float
    """Seconds since 1970-01-01 UTC: since when it stands so, as far as it was watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a domain or of a host."""

    time: float
    host: str
    name: str
    """The domain's; empty: it is of the host itself."""
    before: str
    after: str
    why: str


@dataclass(slots=True, kw_only=True)
class Fleet:
    """All that is watched; ``put`` tells what a look changes."""

    domains: dict[tuple[str, str], Shown] = field(default_factory=dict)
    """By connection and UUID."""
    hosts: dict[str, HostLook] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=MOST_CHANGES))
    """Oldest first."""

    def put(self, look: Look | HostLook, now: float) -> Change | None:
        """Take a look in; returns the change that it shows, None: nothing that is told.

        What a host's first looks show is no change, only how its domains stand.
        """
        change = self._host(look, now) if isinstance(look, HostLook) else self._domain(look, now)
        if change is not None:
            self.changes.append(change)
        return change

    def _domain(self, look: Look, now: float) -> Change | None:
        key = look.uri, look.uuid
        before = self.domains.get(key)
        if look.word == GONE:
            if before is None:
                return None
            del self.domains[key]
            return self._change(before.look, before.look.word, GONE, "", now)
        if before is not None and (before.look.word, before.look.why) == (look.word, look.why):
            self.domains[key] = Shown(look=look, since=before.since)
            return None
        same = before is not None and before.look.word == look.word
        since = before.since if before is not None and same else now
        self.domains[key] = Shown(look=look, since=since)
        host = self.hosts.get(look.uri)
        if before is None and not (host is not None and host.whole):
            return None
        return self._change(look, before.look.word if before else _UNSEEN, look.word, look.why, now)

    def _change(self, look: Look, before: str, after: str, why: str, now: float) -> Change:
        host = self.hosts.get(look.uri)
        return Change(
            time=now,
            host=host.name if host else look.uri,
            name=look.name,
            before=before,
            after=after,
            why=why,
        )

    def _host(self, look: HostLook, now: float) -> Change | None:
        before = self.hosts.get(look.uri)
        self.hosts[look.uri] = look
        was, is_ = (before.trouble if before else ""), look.trouble
        if was == is_:
            return None
        words = ("watched", "not reachable")
        return Change(
            time=now,
            host=look.name,
            name="",
            before=words[bool(was)],
            after=words[bool(is_)],
            why=is_,
        )

    def worst_first(self) -> Sequence[Shown]:
        """Return the domains; those that changed last come first among their like."""
        return sorted(
            self.domains.values(),
            key=lambda one: (ORDER.index(one.look.word), -one.since, one.look.name),
        )

    def counts(self, uri: str | None = None) -> Counter[str]:
        """Count the domains by their word; of one host, or of all."""
        return Counter(one.look.word for (of, _), one in self.domains.items() if uri in {None, of})


def look(uri: str, result: Audited | Failed) -> Look:
    """Return what an audit says of a domain."""
    word = folding.word(result)
    if isinstance(result, Failed):
        return Look(uri=uri, uuid=result.uuid, name=result.name, word=word, why=result.error)
    definition = result.case.declared.definition
    well = word in {"verified", "not running"}
    wrong = () if well else folding.reasons(result.case, result.verdict)
    return Look(
        uri=uri,
        uuid=str(definition.uuid),
        name=definition.name,
        word=word,
        depth=result.verdict.depth or "",
        machine=definition.machine or "",
        why=wrong[0].sentence if wrong else "",
    )

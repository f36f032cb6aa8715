"""How domains are called in front of people."""

from collections import Counter
from collections.abc import Sequence

from host_agent.case.results import Audited, Failed
from host_agent.domain import owner
from host_agent.domain.definition import Definition
from host_agent.domain.owner import Owner, OwnerKind
from host_agent.printable import argument, printable

MOST = 6
_WIDTH = 56
"""What a list of names may take on a line, if more than one name is to be in it."""


def libvirts(result: Audited | Failed) -> str:
    """Return libvirt's name."""
    return printable(
        result.name if isinstance(result, Failed) else result.case.declared.definition.name
    )


def called(result: Audited | Failed) -> str:
    """Return libvirt's name, the owner's own, and who that is."""
    if isinstance(result, Failed):
        return libvirts(result)
    return f"{libvirts(result)}  {whose(result.case.declared.definition)}".rstrip()


def whose(definition: Definition) -> str:
    """Return the owner's own name and who that is, such as ``shop-db-1 (Nova, project acme)``.

    Nothing where libvirt alone manages the domain.
    """
    return owners_words(owner.of(definition))


def owners_words(found: Owner) -> str:
    """Return the same of an owner."""
    if found.kind is OwnerKind.LIBVIRT:
        return ""
    within = f"{found.kind}, {found.project}" if found.project else str(found.kind)
    return printable(f"{found.name} ({within})" if found.name else f"({within})")


class Names:
    """The names of one host's domains: the owner's own, where it is one domain's only."""

    def __init__(self, results: Sequence[Audited | Failed]) -> None:
        own = {
            id(result): owner.of(result.case.declared.definition).name
            for result in results
            if isinstance(result, Audited)
        }
        taken = Counter(name for name in own.values() if name)
        taken.update(set(map(libvirts, results)))
        self._own = {key: name for key, name in own.items() if name and taken[name] == 1}

    def of(self, result: Audited | Failed) -> str:
        """Return a name that can be pasted into a command."""
        own = self._own.get(id(result))
        if isinstance(result, Failed):
            return argument(result.name, result.uuid)
        return argument_of(own, result.case.declared.definition)

    def some(self, results: Sequence[Audited | Failed]) -> str:
        """Return the first names, whole, and how many more there are."""
        return some_of([self.of(result) for result in results[:MOST]], len(results))


def argument_of(own: str | None, definition: Definition) -> str:
    """Return the owner's name where it may be an argument, else libvirt's, else the UUID."""
    name = argument(definition.name, definition.uuid)
    return argument(own, name) if own else name


def some_of(names: list[str], number: int) -> str:
    """Return as many names as a line takes, and how many more of that number there are."""
    while len(names) > 1 and len(" ".join(names)) > _WIDTH:
        names.pop()
    more = number - len(names)
    return " ".join(names) + (f" +{more}" if more else "")

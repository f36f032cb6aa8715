"""How the domains of a plan are called in front of people."""

from collections import Counter
from collections.abc import Sequence

from host_agent.case.results import Failed
from host_agent.domain import owner
from host_agent.output.shared.names import MOST, argument_of, some_of
from host_agent.plan.facts import Planned
from host_agent.printable import argument, printable


class PlannedNames:
    """The names of the domains of a plan, as ``Names`` has those of an audit."""

    def __init__(self, planned: Sequence[Planned | Failed]) -> None:
        own = {
            id(one): owner.of(one.definition).name for one in planned if isinstance(one, Planned)
        }
        taken = Counter(name for name in own.values() if name)
        taken.update({printable(one.name) for one in planned})
        self._own = {key: name for key, name in own.items() if name and taken[name] == 1}

    def of(self, one: Planned | Failed) -> str:
        """Return a name that can be pasted into a command."""
        own = self._own.get(id(one))
        if isinstance(one, Failed):
            return argument(one.name, one.uuid)
        return argument_of(own, one.definition)

    def some(self, planned: Sequence[Planned | Failed]) -> str:
        """Return the first names, whole, and how many more there are."""
        return some_of([self.of(one) for one in planned[:MOST]], len(planned))

    def every(self, planned: Sequence[Planned | Failed]) -> str:
        """Return all names for a command; where they are too many for a line, what stands for them.

        The names that are shown beside it would be taken for all, and a number of more for a name.
        """
        some = self.some(planned)
        return some if some == " ".join(map(self.of, planned)) else "DOMAIN..."

"""What the shipped atlases predict for the domains of a host."""

from collections import defaultdict
from collections.abc import Iterable

from host_agent.atlas import diff, files
from host_agent.atlas.atlas import Atlas
from host_agent.difference import Difference, Prediction, series
from host_agent.domain import architectures
from host_agent.errors import UsageError


def predictions(wanted: Iterable[tuple[str, str, str]]) -> tuple[Prediction, ...]:
    """Return what is predicted for the differences in the forecasts.

    wanted: (architecture, machine type, QEMU after), see ``predicted.wanted``.

    Atlases are read only where a forecast found a difference. Where QEMU's own version has no
    atlas, one of the same series speaks for it: a prediction counts only where the very values
    come true.
    """
    machines: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for architecture, machine, new in wanted:
        machines[architecture][new].add(machine)
    found: list[Prediction] = []
    for architecture, versions in machines.items():
        atlases = _atlases(architectures.kept_as(architecture))
        for new, names in versions.items():
            for after in _best(atlases, new):
                for before in atlases:
                    if series(before.made.qemu) != series(new):
                        found += _between(before, after, architecture, names)
    return tuple(found)


def _best(atlases: Iterable[Atlas], version: str) -> list[Atlas]:
    """Return the atlas of a version, else those of its series."""
    near = [atlas for atlas in atlases if series(atlas.made.qemu) == series(version)]
    return [atlas for atlas in near if atlas.made.qemu == version] or near


def _between(
    before: Atlas, after: Atlas, architecture: str, names: Iterable[str]
) -> Iterable[Prediction]:
    changes: dict[str, list[Difference]] = defaultdict(list)
    for group in diff.compare(before, after, tuple(names)).groups:
        for name in group.machines:
            changes[name].append(group.difference)
    for name, differences in changes.items():
        yield Prediction(
            architecture=architecture,
            machine=name,
            old=before.made.qemu,
            new=after.made.qemu,
            differences=tuple(differences),
        )


def _atlases(architecture: str) -> tuple[Atlas, ...]:
    ending = f":{architecture}"
    try:
        return tuple(
            files.read_shipped(name, states=False)
            for name in files.shipped()
            if name.endswith(ending)
        )
    except UsageError:
        # A damaged installation costs the folding, never an audit.
        return ()

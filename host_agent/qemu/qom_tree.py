"""The monitor's ``info qom-tree`` → the device models of the machine itself. Pure.

Each line is an object: its name, below what it is a part of, and its type
(QEMU ``qom/qom-hmp-cmds.c: print_qom_composition``).
"""

import re

from host_agent.printable import printable

_LINE = re.compile(r"(?P<indent> *)/(?P<name>.*) \((?P<type>[^()]{1,128})\)")
_GIVEN = {"peripheral", "peripheral-anon"}
"""Where devices are that were given as options."""
_MOST = 100_000
_MAX_LINE = 512


def models(text: str) -> frozenset[str]:
    """Return the types of all objects but those that were given as options, and their parts."""
    found: set[str] = set()
    given: int | None = None
    for line in text.splitlines()[:_MOST]:
        match = _LINE.fullmatch(line.rstrip()) if len(line) <= _MAX_LINE else None
        if match is None:
            continue
        depth = len(match["indent"])
        if given is not None and depth > given:
            continue
        given = depth if match["name"] in _GIVEN else None
        found.add(printable(match["type"]))
    return frozenset(found)

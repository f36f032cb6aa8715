"""Two hosts as a picture: bars of domains on either side, a line for each machine type. Pure."""

from typing import Any

from host_agent.difference import Effect
from host_agent.printable import shortened
from host_agent.verify.two_hosts import HostsDiff, Same, TypePair

_MOST = 24
"""Machine types in the picture; the table has all."""
_WIDTH, _ROW, _TOP = 420, 46, 56
_BAR, _THICK = 64, 18
"""The longest bar, and how thick one is."""
_NUMBER = 34
"""Room for how many domains it is, beside a bar."""
_NAME = 26
"""Characters of a name that fit between the bars."""
_CSS = {
    Same.EQUAL: "equal", Same.DIFFERS: "apart", Same.ONLY_FIRST: "gone", Same.ONLY_SECOND: "gone",
    Same.UNKNOWN: "unsure",
}  # fmt: skip


def of(diff: HostsDiff) -> dict[str, Any]:
    """Return the picture, and the tables that say the same in words."""
    drawn = diff.types[:_MOST]
    most = max((max(one.one, one.other) for one in drawn), default=1) or 1
    return {
        "one": diff.one,
        "other": diff.other,
        "short": [shortened(name, _NAME) for name in (diff.one, diff.other)],
        "told": _told(diff),
        "width": _WIDTH,
        "height": _TOP + _ROW * len(drawn),
        "middle": _WIDTH // 2,
        "rows": [_row(one, number, most) for number, one in enumerate(drawn)],
        "more": len(diff.types) - len(drawn),
        "sources": [source or "not known: no atlas of this QEMU" for source in diff.sources],
        "facts": [
            {"name": one.name, "one": one.one, "other": one.other, "differs": one.one != one.other}
            for one in diff.facts
        ],
        "types": [
            {
                "name": one.name,
                "one": one.one,
                "other": one.other,
                "same": one.same,
                "differs": one.same not in {Same.EQUAL, Same.UNKNOWN},
                "effects": ", ".join(one.effects),
            }
            for one in diff.types
        ],
        "changes": [
            {
                "number": len(group.machines),
                "change": f"{group.difference.area} {group.difference.subject}: "
                f"{group.difference.field} differs"
                if group.varies
                else str(group.difference),
                "effect": group.touched.effect,
                "who": group.touched.who,
            }
            for group in diff.groups
        ],
    }


def _told(diff: HostsDiff) -> str:
    """Return in a sentence what is to be seen."""
    numbers = [
        f"{sum(one.same is same for one in diff.types)} {same}"
        for same in Same
        if any(one.same is same for one in diff.types)
    ]
    breaking = sum(Effect.BREAKING in one.effects for one in diff.types)
    return (
        f"{len(diff.types)} machine types of domains on {diff.one} and {diff.other}: "
        + (", ".join(numbers) or "none")
        + (f"; a migration of {breaking} is refused" if breaking else "")
    )


def _row(one: TypePair, number: int, most: int) -> dict[str, Any]:
    top = _TOP + number * _ROW
    left, right = (round(_BAR * domains / most) for domains in (one.one, one.other))
    inner_left, inner_right = _NUMBER + _BAR, _WIDTH - _NUMBER - _BAR
    return {
        "css": _CSS[one.same],
        "name": shortened(one.name, _NAME),
        "what": one.same + (f": {', '.join(one.effects)}" if one.effects else ""),
        "thick": _THICK,
        "y": top,
        "line": top + _THICK // 2,
        "name_y": top + 3,
        "what_y": top + _THICK + 8,
        "left": {"x": inner_left - left, "width": left, "number": one.one},
        "right": {"x": inner_right, "width": right, "number": one.other},
        "left_text": inner_left - left - 6,
        "right_text": inner_right + right + 6,
        "text_y": top + _THICK - 4,
        "from": inner_left + 4,
        "to": inner_right - 4,
    }

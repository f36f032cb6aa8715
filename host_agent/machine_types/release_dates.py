"""The releases of Debian and Ubuntu, as distro-info-data has them through its own library.

The library (python3-distro-info, on PyPI ``distro-info``) reads /usr/share/distro-info, which
stable updates keep current: support that is prolonged reaches us with them.
"""

from datetime import date
from functools import cache
from typing import Any

from host_agent.machine_types.releases import DEBIAN, UBUNTU, Release
from host_agent.missing import Missing, Reason

_LIBRARIES = {UBUNTU: "UbuntuDistroInfo", DEBIAN: "DebianDistroInfo"}
_EXTENDED = {
    UBUNTU: (("ESM", "eol_esm"),),
    DEBIAN: (("LTS", "eol_lts"), ("ELTS", "eol_elts")),
}


@cache
def known() -> tuple[Release, ...] | Missing:
    """Return all releases, a distribution's oldest first; ``Missing`` where there is no data."""
    # Only who asks for releases loads their library.
    import distro_info  # noqa: PLC0415

    try:
        return tuple(
            _release(distribution, row)
            for distribution, library in _LIBRARIES.items()
            for row in getattr(distro_info, library)().get_all("object")
            # Debian's sid and experimental are never released, and have no number.
            if row.version and row.created is not None
        )
    except (OSError, ValueError, KeyError) as error:
        return Missing(
            reason=Reason.ABSENT,
            sentence=f"the dates of Debian's and Ubuntu's releases can't be read: {error}",
            remedy="apt install distro-info-data",
        )


def _release(distribution: str, row: Any) -> Release:
    version, _, more = row.version.partition(" ")
    return Release(
        distribution=distribution,
        codename=row.series,
        version=version,
        lts=more == "LTS",
        created=row.created,
        released=row.release,
        eol=_latest(row.eol, row.eol_server),
        extended=tuple(
            (name, last)
            for name, attribute in _EXTENDED[distribution]
            if (last := getattr(row, attribute, None)) is not None
        ),
    )


def _latest(*dates: date | None) -> date | None:
    return max((one for one in dates if one is not None), default=None)

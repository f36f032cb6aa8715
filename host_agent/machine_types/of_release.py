"""The machine types of a release: of its shipped atlas, else of the catalogue."""

import difflib
from datetime import date

from host_agent.atlas import files as atlas_files
from host_agent.domain import architectures
from host_agent.errors import UsageError
from host_agent.machine_types import catalogue, releases
from host_agent.machine_types.listing import TypeList, of_atlas, of_release
from host_agent.machine_types.releases import Known


def release_types(name: str, arch: str | None, known: Known) -> TypeList:
    """Return the machine types of a release; raises ``UsageError`` where nothing is known.

    A shipped atlas was probed, so it is complete; else what the catalogue knows.
    """
    found = releases.find(name, known, date.today())
    listed = catalogue.release(name)
    distribution, codename = (
        (found.distribution, found.codename)
        if found
        else (listed.distribution, listed.name)
        if listed
        else ("", name)
    )
    architecture = architectures.kept_as(arch or atlas_files.DEFAULT_ARCHITECTURE)
    shipped = f"{distribution}:{codename}:{architecture}"
    if shipped in atlas_files.shipped():
        return of_atlas(atlas_files.read_shipped(shipped), known)
    offering = catalogue.offering(distribution, codename, architecture)
    if offering is None:
        names = {one.name for one in catalogue.releases()} - {codename}
        near = difflib.get_close_matches(codename, names)
        meant = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise UsageError(
            f"nothing is known of the {architecture} machine types of {name!r}{meant}; "
            "ask one of its hosts: samemachine types --host URI"
        )
    return of_release(offering, known)

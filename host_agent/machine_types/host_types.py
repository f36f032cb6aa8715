"""The job ``types``: the machine types of a host, with the domains that have them."""

from functools import partial

from host_agent.domain import architectures
from host_agent.domain.definition import Definition, parse
from host_agent.errors import UsageError
from host_agent.guard import guarded
from host_agent.hypervisor import Domain, connected, is_local
from host_agent.machine_types import offers, packages, releases
from host_agent.machine_types.listing import TypeList, of_host
from host_agent.machine_types.releases import Known


def host_types(uri: str, architecture: str | None, known: Known) -> list[TypeList]:
    """Return a list for each emulator of an architecture; None: the host's own.

    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` where it has nothing of
    that architecture.
    """
    with connected(uri) as hypervisor:
        facts = hypervisor.facts()
        domains = [
            definition for domain in hypervisor.domains() for definition in _definitions(domain)
        ]
    name = packages.distribution_name() if is_local(uri) and facts.driver == "QEMU" else None
    here = releases.of_system(name, known) if name else None
    word = architecture or offers.architecture(facts.capabilities) or "x86_64"
    wanted = next(
        (one for one in architectures.alike(word) if offers.emulators(facts.capabilities, one)),
        word,
    )
    found = []
    for emulator in offers.emulators(facts.capabilities, wanted):
        used: dict[str, list[str]] = {}
        for one in domains:
            if one.machine and (one.architecture, one.emulator or emulator) == (wanted, emulator):
                used.setdefault(one.machine, []).append(one.name)
        place = f"{facts.name} | {facts.driver} {facts.hypervisor} | {emulator}"
        listed = of_host(
            place, facts.capabilities, wanted, emulator, used=used, known=known, here=here
        )
        if listed is not None:
            found.append(listed)
    if not found:
        raise UsageError(f"{uri} lists no machine types for guests of architecture {wanted}")
    return found


def _definitions(domain: Domain) -> list[Definition]:
    """The active and the persistent XML, as far as there are such and they can be read."""
    found = (
        guarded(partial(_definition, domain, inactive=inactive), lambda _: None)
        for inactive in (False, True)
    )
    return [one for one in found if one is not None]


def _definition(domain: Domain, *, inactive: bool) -> Definition:
    return parse(domain.xml(inactive=inactive))

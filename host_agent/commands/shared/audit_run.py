"""The hosts that a command means, audited: one here, several side by side."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from host_agent.case.results import HostAudit
from host_agent.commands.shared.console import complain, progress
from host_agent.commands.shared.hosts import targets, whereabouts
from host_agent.errors import LibvirtError
from host_agent.output.shared.exit_codes import UNREACHABLE
from host_agent.verify.audit import Ended, Options, audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of auditing hosts."""

    audits: list[HostAudit]
    unreachable: list[str]
    interrupted: bool


def run(
    uris: tuple[str, ...], options: Options, ended: Callable[[Ended], None] | None = None
) -> Came:
    """Audit one host here, several side by side; one that can't be reached costs no other."""
    hosts = targets(uris)
    if len(hosts) > 1:
        from host_agent.commands.shared.audited_hosts import audit_hosts

        found, came = audit_hosts(hosts, options, ended)
        return Came(audits=found, unreachable=list(came.unreachable), interrupted=came.interrupted)
    where = whereabouts(uris, options.names)
    audits, unreachable = [], list(where.unreachable)
    for place in where.places:
        asked = replace(options, names=place.names, elsewhere=place.elsewhere)
        try:
            with progress(place.uri) as told:
                audits.append(audit(place.uri, asked, told, ended))
        except LibvirtError as error:
            complain(str(error), UNREACHABLE)
            unreachable.append(place.uri)
    return Came(audits=audits, unreachable=unreachable, interrupted=False)

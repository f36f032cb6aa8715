"""The commands ``audit`` and ``show``."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.commands.shared import completion
from host_agent.commands.shared.audit_run import Came, run
from host_agent.commands.shared.configured import Configured
from host_agent.commands.shared.console import complain, destination
from host_agent.commands.shared.options import (
    EXITS,
    connections,
    connections_and,
    read_esp_option,
    rehearse_option,
)
from host_agent.commands.shared.side_by_side_hosts import side_by_side_options
from host_agent.commands.shared.telling import Page, printed, tell, untold
from host_agent.commands.shared.waiver_files import read_waivers
from host_agent.guard import guarded
from host_agent.output import audit as audit_output
from host_agent.output.shared.counting import exit_code
from host_agent.output.shared.exit_codes import INTERRUPTED, VERIFIED
from host_agent.verify import waivers
from host_agent.verify.audit import Ended, Options

if TYPE_CHECKING:
    from rich.console import Console


@click.command(
    "audit",
    epilog="\b\nExamples:\n"
    "  samemachine audit\n"
    "  samemachine audit vm1 vm2 --verbose\n"
    "  samemachine audit --format json | jq '.hosts[].domains[] | select(.verdict==\"mismatch\")'\n"
    "  samemachine audit --format jsonl         a line a domain, as soon as it is done\n"
    "  samemachine audit -c qemu+ssh://root@node2/system --timeout 5\n"
    "  samemachine audit --inventory hosts.toml --group kvm    many at once; Ansible's too\n"
    "  samemachine audit --inventory hosts.toml --resume       go on where it was broken off\n"
    "  samemachine audit --waive /etc/samemachine/waivers.toml\n"
    f"\n{EXITS}",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    metavar="N",
    help="how many domains to ask at the same time",
)
@click.option("-v", "--verbose", is_flag=True, help="every finding of every domain")
@click.option(
    "--waive",
    "waived",
    cls=Configured,
    key="waive",
    multiple=True,
    metavar="FILE",
    envvar="SAMEMACHINE_WAIVE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="warnings that are accepted for now, as TOML; repeatable  [default: $SAMEMACHINE_WAIVE]",
)
@rehearse_option("run the firmware on each domain's devices; compare SMBIOS, ACPI and PCI")
@read_esp_option
@side_by_side_options
@connections_and("jsonl", "junit", "nagios", "prometheus", "html")
def audit_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    waived: tuple[Path, ...],
    timeout: float,
    jobs: int,
    form: str,
    output: Path | None,
    *,
    probe: bool,
    rehearse: bool,
    read_esp: bool,
    verbose: bool,
) -> int:
    """Audit a host: declared against running, booted and live, with a verdict for each domain.

    DOMAIN is libvirt's name, the owner's display name or a UUID; none: all of them, running or not.
    Nothing is changed.
    """
    options = Options(
        names=domains,
        seconds=timeout,
        at_once=jobs,
        probe=probe,
        rehearse=rehearse,
        read_esp=read_esp,
    )
    accepted = [one for file in waived for one in read_waivers(file)]
    if form == "jsonl":
        return _stream(output, uris, options, accepted)
    came = run(uris, options)
    unreachable = came.unreachable
    applied = waivers.apply(came.audits, accepted, date.today())
    for over in applied.over:
        complain(over, VERIFIED)

    def told(console: "Console", audits: Sequence[HostAudit]) -> Page:
        code = _code(came, audits)
        if form == "json":
            from host_agent.output import audit_document

            return audit_document.render(audits, unreachable, code), code
        if form == "html":
            from host_agent.output import audit_page

            return audit_page.render(audits, unreachable, code), code
        if form == "prometheus":
            from host_agent.output import prometheus

            return prometheus.render(prometheus.of_audits(audits, unreachable)), code
        if form != "text":
            from host_agent.output import for_machines
            from host_agent.output.shared.of_hosts import of_audits

            return for_machines.page(form, of_audits(audits), unreachable, code)
        each = bool(domains)
        text = printed(
            console,
            lambda: audit_output.print_audits(
                console, audits, verbose=verbose, each=each, exit_code=code
            ),
        )
        return text, code

    return _tell(
        output, applied.audits, told, for_people=form == "text", shared=form == "prometheus"
    )


@click.command(
    "show",
    epilog="\b\nExamples:\n"
    "  samemachine show vm1\n"
    "  samemachine show 3d1b0a52-6d5e-4c1b-9c70-0a0a0a0a0001 --format json\n"
    f"\n{EXITS}",
)
@click.argument("domain", shell_complete=completion.domains)
@rehearse_option("run the firmware on each domain's devices; compare SMBIOS, ACPI and PCI")
@read_esp_option
@connections
def show_command(
    domain: str,
    uris: tuple[str, ...],
    timeout: float,
    form: str,
    output: Path | None,
    *,
    probe: bool,
    rehearse: bool,
    read_esp: bool,
) -> int:
    """Show one domain's views side by side, where each comes from, and every finding."""
    options = Options(
        names=(domain,), seconds=timeout, probe=probe, rehearse=rehearse, read_esp=read_esp
    )
    came = run(uris, options)
    unreachable = came.unreachable

    def told(console: "Console", audits: Sequence[HostAudit]) -> Page:
        code = _code(came, audits)
        if form == "json":
            from host_agent.output import audit_document

            return audit_document.render(audits, unreachable, code), code
        from host_agent.output import show

        pages = (printed(console, partial(show.print_show, console, one)) for one in audits)
        return "".join(pages), code

    return _tell(output, came.audits, told, for_people=form == "text")


COMMANDS = (audit_command, show_command)


_Found = tuple[HostAudit, Audited | Failed]


def _tell(
    output: Path | None,
    audits: Sequence[HostAudit],
    told: "Callable[[Console, Sequence[HostAudit]], Page]",
    *,
    for_people: bool,
    shared: bool = False,
) -> int:
    def of(console: "Console", found: Sequence[_Found]) -> Page:
        of_hosts = (tuple(one for host, one in found if host is audit) for audit in audits)
        shown = zip(audits, of_hosts, strict=True)
        return told(console, [replace(audit, results=results) for audit, results in shown])

    def failed(found: _Found, why: str) -> _Found:
        return found[0], untold(found[1], why)

    found = [(audit, result) for audit in audits for result in audit.results]
    return tell(output, found, of, failed, for_people=for_people, shared=shared)


def _stream(
    output: Path | None,
    uris: tuple[str, ...],
    options: Options,
    accepted: Sequence[waivers.Waiver],
) -> int:
    """Write a line for each domain as soon as it is done, and one for the end."""
    from host_agent.output import audit_document

    now = waivers.valid(accepted, date.today())
    unsaid: dict[int, Failed] = {}
    with destination(output) as console:

        def ended(one: Ended) -> None:
            result = waivers.marked(one.result, one.host, now)

            def failed(why: str) -> str:
                unsaid[id(one.result)] = untold(result, why)
                return line(unsaid[id(one.result)])

            def line(result: Audited | Failed) -> str:
                return audit_document.render_line(one.uri, one.host, result, one.predictions)

            console.file.write(guarded(partial(line, result), failed))
            console.file.flush()

        came = run(uris, options, ended)
        for over in waivers.apply(came.audits, accepted, date.today()).over:
            complain(over, VERIFIED)
        audits = [
            replace(one, results=tuple(unsaid.get(id(result), result) for result in one.results))
            for one in came.audits
        ]
        code = _code(came, audits)
        if not came.interrupted:
            console.file.write(audit_document.render_end(audits, came.unreachable, code))
    return code


def _code(came: Came, audits: Sequence[HostAudit]) -> int:
    return INTERRUPTED if came.interrupted else exit_code(audits, len(came.unreachable))

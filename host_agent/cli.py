"""The door: finds the command that was called, and exits with its code."""

import difflib
import os
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

import click

from host_agent import __version__, config
from host_agent.atlas import atlas
from host_agent.atlas import diff as atlas_diff
from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.case.results import HostAudit
from host_agent.commands import (
    checks,
    completion,
    enrollment,
    forgetting,
    migration,
    types,
    verification,
)
from host_agent.commands import plan as planning
from host_agent.commands import upgrade as upgrade_commands
from host_agent.commands.configuration import check_config_command, read_waivers
from host_agent.commands.configured import Configured, defaults
from host_agent.commands.options import (
    EXITS,
    connections,
    formats,
    ledger_option,
    open_ledger,
    whereabouts,
)
from host_agent.commands.terminal import (
    WIDTH,
    complain,
    destination,
    new_file,
    orderly_end,
    progress,
    standard_output,
)
from host_agent.errors import (
    EvidenceError,
    HostAgentError,
    LedgerError,
    LibvirtError,
    UsageError,
)
from host_agent.firmware import acpi_code, fingerprint_diff
from host_agent.guard import said
from host_agent.output import atlas as atlas_output
from host_agent.output import audit as audit_
from host_agent.output import audit as audit_output
from host_agent.output import history as history_output
from host_agent.output import show
from host_agent.output.shared.counting import exit_code
from host_agent.output.shared.exit_codes import MISMATCH, UNREACHABLE, UNVERIFIED, USAGE, VERIFIED
from host_agent.printable import printable
from host_agent.qemu.atlas_probe import default_binary, survey
from host_agent.qemu.session import SECONDS
from host_agent.times import FORMS, parse_past
from host_agent.verify import waivers
from host_agent.verify.audit import Options, audit


def main() -> NoReturn:
    """Run the command and exit with its code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = complain("interrupted; nothing was changed", 130)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except UsageError as error:
        code = complain(str(error), USAGE)
    except (LibvirtError, LedgerError) as error:
        code = complain(str(error), UNREACHABLE)
    except EvidenceError as error:
        remedy = error.missing.remedy
        code = complain(f"{error}; {remedy}" if remedy else str(error), USAGE)
    except HostAgentError as error:
        code = complain(str(error), USAGE)
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = complain(f"the output can't be written: {error.strerror}", USAGE)
    except Exception as error:  # noqa: BLE001 - nobody's work is helped by a screen of Python
        code = complain(said(error), UNVERIFIED)
    except SystemExit as left:
        # A signal (128 + its number), or click after a reader that has had enough.
        code = left.code
    _leave(int(code or 0))


def _leave(code: int) -> NoReturn:
    """Exit at once: a libvirt call that hangs must not keep the program from ending."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            continue
        except OSError as error:
            code = complain(f"the output can't be written: {error.strerror}", USAGE)
    os._exit(code)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    epilog="""\b
Examples:
  samemachine audit                          this host, all domains
  samemachine show vm1                       one domain, all views side by side
  samemachine probe --output here.json.xz    what this host's QEMU shows a guest
  samemachine diff debian:bookworm live      what a guest of theirs would find different here
  samemachine plan --to debian:trixie        what to do before this host is upgraded
  samemachine history vm1 --since 3d         what was found of it before
  samemachine enroll vm1 --dry-run           let its guest be asked
  samemachine types                          machine types of this host, and how long they last
  samemachine path jammy noble               may guests move between these releases
  samemachine audit -c qemu+ssh://node2/system -c qemu+ssh://node3/system""",
)
@click.version_option(__version__, prog_name="samemachine")
@click.option(
    "--config", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="what options default to  [default: /etc/samemachine/host.toml, if it is there]",
)  # fmt: skip
@click.pass_context
def cli(context: click.Context, file: Path | None) -> None:
    """Is the machine that a guest sees the machine that libvirt declares?"""
    # Who checks a configuration must not stumble over it.
    if context.invoked_subcommand != check_config_command.name:
        context.default_map = defaults(cli, config.load(file))


for _command in (
    *verification.COMMANDS,
    *migration.COMMANDS,
    *types.COMMANDS,
    *planning.COMMANDS,
    *upgrade_commands.COMMANDS,
    *enrollment.COMMANDS,
    *forgetting.COMMANDS,
    check_config_command,
    *checks.COMMANDS,
):
    cli.add_command(_command)


@cli.command(
    "audit",
    epilog="\b\nExamples:\n"
    "  samemachine audit\n"
    "  samemachine audit vm1 vm2 --verbose\n"
    "  samemachine audit --format json | jq '.hosts[].domains[] | select(.verdict==\"mismatch\")'\n"
    "  samemachine audit -c qemu+ssh://root@node2/system --timeout 5\n"
    "  samemachine audit --waive /etc/samemachine/waivers.toml\n"
    f"\n{EXITS}",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=8, show_default=True, metavar="N",
    help="how many domains to ask at the same time",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="every finding of every domain")
@click.option(
    "--waive", "waived", cls=Configured, key="waive", multiple=True, metavar="FILE",
    envvar="SAMEMACHINE_WAIVE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="warnings that are accepted for now, as TOML; repeatable  [default: $SAMEMACHINE_WAIVE]",
)  # fmt: skip
@connections
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
    verbose: bool,
) -> int:
    """Audit a host: declared against running, booted and live, with a verdict for each domain.

    DOMAIN is libvirt's name, the owner's display name or a UUID; none: all of them, running or not.
    Nothing is changed.
    """
    options = Options(names=domains, seconds=timeout, at_once=jobs, probe=probe)
    accepted = [one for file in waived for one in read_waivers(file)]
    found, unreachable = _run(uris, options)
    applied = waivers.apply(found, accepted, date.today())
    audits = applied.audits
    for over in applied.over:
        complain(over, VERIFIED)
    code = exit_code(audits, len(unreachable))
    with destination(output) as console:
        if form == "json":
            console.file.write(audit_output.render(audits, unreachable, code))
        else:
            audit_.print_audits(
                console, audits, verbose=verbose, each=bool(domains), exit_code=code
            )
    return code


@cli.command(
    "show",
    epilog="\b\nExamples:\n"
    "  samemachine show vm1\n"
    "  samemachine show 3d1b0a52-6d5e-4c1b-9c70-0a0a0a0a0001 --format json\n"
    f"\n{EXITS}",
)
@click.argument("domain", shell_complete=completion.domains)
@connections
def show_command(
    domain: str, uris: tuple[str, ...], timeout: float, form: str, output: Path | None, *,
    probe: bool,
) -> int:  # fmt: skip
    """Show one domain's views side by side, where each comes from, and every finding."""
    audits, unreachable = _run(uris, Options(names=(domain,), seconds=timeout, probe=probe))
    code = exit_code(audits, len(unreachable))
    with destination(output) as console:
        if form == "json":
            console.file.write(audit_output.render(audits, unreachable, code))
        else:
            for one in audits:
                show.print_show(console, one)
    return code


@cli.command(
    "probe",
    epilog="\b\nExamples:\n"
    "  samemachine probe                            this host's QEMU, every machine type\n"
    "  samemachine probe q35 pc-i440fx-6.2          two of them\n"
    "  samemachine probe --output node17.json.xz    the atlas as a file, for samemachine diff\n"
    "  samemachine probe --qemu /opt/qemu/bin/qemu-system-x86_64 --format json\n"
    "  samemachine probe --root /srv/noble --output noble.json.xz\n"
    "\n\b\nExit codes:\n  0  every type was probed\n  2  usage, or this QEMU can't be asked\n"
    "  3  some types could not be probed",
)
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@click.option("--qemu", metavar="BINARY", help="the QEMU to ask  [default: this host's]")
@click.option(
    "--root", metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="root folder of another system, whose QEMU is asked (an unpacked container image, a "
    "debootstrap); needs root's rights",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0.1, 3600), default=SECONDS, show_default=True,
    metavar="SECONDS", help="what one machine type may take",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="what to print; json is the atlas",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="write the atlas there as JSON; compressed where the name ends with .xz or .gz",
)  # fmt: skip
def probe_command(
    types: tuple[str, ...], qemu: str | None, root: Path | None, timeout: float, form: str,
    output: Path | None,
) -> int:  # fmt: skip
    """Ask QEMU what each machine type shows a guest: SMBIOS, ACPI, memory map, ROM sizes.

    QEMU is started paused, with no disk, network or guest, without rights and in its sandbox.
    TYPE is a machine type or an alias; none: all of them. Nothing is changed, and no KVM is needed.
    """
    clock = time.monotonic()
    made = _survey(qemu, types, root, timeout)
    if output is not None:
        with new_file(output, shared=True) as file:
            file.write(atlas_files.compressed(atlas.to_text(made), output))
    console = standard_output()
    if form == "json":
        if output is None:
            console.file.write(atlas.to_text(made))
    else:
        atlas_output.print_atlas(console, made, time.monotonic() - clock)
    return 3 if any(machine.fingerprint is None for machine in made.machines) else VERIFIED


@cli.command(
    "diff",
    epilog="\b\nExamples:\n"
    "  samemachine diff debian:bookworm debian:trixie\n"
    "  samemachine diff node17.json.xz live          from that host to this one\n"
    "  samemachine diff live debian:trixie --type pc-q35-7.2 --verbose\n"
    "  samemachine diff debian:bookworm debian:trixie --type pc-q35-7.2 --acpi | less\n"
    "  samemachine diff a.json b.json --format json | jq '.differences[].effect'\n"
    "\n\b\nExit codes:\n  0  a guest sees no difference\n"
    "  1  a guest sees one, or its machine type is gone\n"
    "  2  usage, or an atlas that can't be read",
)
@click.argument("old", metavar="A", shell_complete=completion.atlas)
@click.argument("new", metavar="B", shell_complete=completion.atlas)
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="only this machine type; repeatable"
)
@click.option("--qemu", metavar="BINARY", help="the QEMU that 'live' means  [default: this host's]")
@click.option("-v", "--verbose", is_flag=True, help="every type by name, and the sources")
@click.option(
    "--acpi", "code", is_flag=True,
    help="also what differs in the ACPI code of one --type, line by line (needs iasl)",
)  # fmt: skip
@formats
def diff_command(
    old: str, new: str, types: tuple[str, ...], qemu: str | None, form: str, output: Path | None,
    *, verbose: bool, code: bool,
) -> int:  # fmt: skip
    """Show what a guest would find different under another QEMU, before anything moves.

    A and B are atlases: files of 'samemachine probe', 'live' for this host's QEMU, or shipped ones
    such as debian:trixie or debian:trixie:aarch64.
    """
    if code and (len(types) != 1 or form != "text"):
        raise UsageError("--acpi shows one machine type, as text: name it with --type")
    before, after = _atlas(old, qemu), _atlas(new, qemu)
    if before.made.architecture != after.made.architecture:
        raise UsageError(
            f"{old} is of {before.made.architecture}, {new} of {after.made.architecture}: "
            "no machine type of the one is one of the other"
        )
    both = {machine.name for machine in (*before.machines, *after.machines)}
    for name in types:
        if name not in both:
            raise UsageError(
                f"neither {old} nor {new} has a machine type {name!r}; near it: {_near(name, both)}"
            )
    diff = atlas_diff.compare(before, after, types)
    result = MISMATCH if diff.seen else VERIFIED
    with destination(output, shared=True) as console:
        if form == "json":
            console.file.write(atlas_output.render_diff(diff, result))
        else:
            atlas_output.print_diff(console, diff, verbose=verbose)
            for line in _acpi_code(before, after, types[0]) if code else ():
                console.file.write(f"{line}\n")
    return result


@cli.command(
    "history",
    epilog="\b\nExamples:\n"
    "  samemachine history                      the newest entries of this host\n"
    "  samemachine history vm1 --since 3d\n"
    "  samemachine history --since '2026-03-02 04:00' --format json | jq '.entries[].verdict'\n"
    "  samemachine history --ledger postgresql://samemachine@db1/samemachine\n"
    "\n\b\nExit codes:\n  0  shown, whatever the verdicts were\n  2  usage or configuration\n"
    "  4  the ledger can't be read, or there is none",
)
@click.argument("domain", required=False, shell_complete=completion.domains)
@click.option("--since", metavar="TIME", help=f"nothing older: {FORMS}")
@click.option(
    "--limit", type=click.IntRange(1, 9999), default=50, show_default=True, metavar="N",
    help="no more than the newest N entries",
)  # fmt: skip
@ledger_option
@formats
def history_command(
    domain: str | None, since: str | None, limit: int, ledger: str | None, form: str,
    output: Path | None,
) -> int:  # fmt: skip
    """Show the verdicts that were recorded, as a timeline: the newest last.

    DOMAIN is a name, a title (such as Nova's display name) or a UUID; none: all domains, also those
    that are gone. The ledger is only read.
    """
    start = None if since is None else parse_past(since, datetime.now().astimezone())
    opened = open_ledger(ledger)
    # One more than is shown tells whether there are more.
    entries = opened.history(domain, start, limit + 1)
    history = history_output.History(
        place=opened.place, domain=domain, since=start, entries=entries[-limit:],
        older=len(entries) > limit,
    )  # fmt: skip
    with destination(output) as console:
        if form == "json":
            console.file.write(history_output.render(history))
        else:
            history_output.print_history(console, history)
    return VERIFIED


def _acpi_code(old: Atlas, new: Atlas, name: str) -> Iterator[str]:
    """What differs in the code of a machine type, line by line; an empty line before each table."""
    before, after = (
        fingerprint_diff.tables(machine.fingerprint)
        for atlas_ in (old, new)
        for machine in atlas_.machines
        if machine.name == name and machine.fingerprint is not None
    )
    for table in before:
        if table[:4] in fingerprint_diff.CODE and table in after:
            one, two = before[table].raw, after[table].raw
            if one != two:
                yield ""
                for line in acpi_code.changes(one, two, table):
                    code = line.lstrip()
                    yield line[: len(line) - len(code)] + printable(code)


def _near(name: str, names: Collection[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, names)) or "none"


def _atlas(name: str, qemu: str | None) -> Atlas:
    if name == "live":
        return _survey(qemu, (), None)
    if atlas_files.is_shipped_name(name):
        return atlas_files.read_shipped(name)
    return atlas_files.read(Path(name))


def _survey(
    qemu: str | None, types: tuple[str, ...], root: Path | None, seconds: float = SECONDS
) -> Atlas:
    binary = qemu or default_binary(root)
    with orderly_end(), progress(f"probing {binary}") as told:
        return survey(binary, types, told, root, seconds)


def _run(uris: tuple[str, ...], options: Options) -> tuple[list[HostAudit], list[str]]:
    """Audit each host in turn; one that can't be reached costs no other its audit."""
    where = whereabouts(uris, options.names)
    audits, unreachable = [], list(where.unreachable)
    for place in where.places:
        asked = replace(options, names=place.names, elsewhere=place.elsewhere)
        try:
            with progress(place.uri) as told:
                audits.append(audit(place.uri, asked, told))
        except LibvirtError as error:
            complain(str(error), UNREACHABLE)
            unreachable.append(place.uri)
    return audits, unreachable

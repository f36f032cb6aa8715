"""The door: finds the command that was called, and exits with its code."""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from host_agent import __version__
from host_agent.commands.shared.console import WIDTH, complain
from host_agent.errors import (
    EvidenceError,
    HostAgentError,
    LedgerError,
    LibvirtError,
    UsageError,
)
from host_agent.guard import said
from host_agent.output.shared.exit_codes import INTERRUPTED, UNREACHABLE, UNVERIFIED, USAGE


def main() -> NoReturn:
    """Run the command and exit with its code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = _ended("interrupted; nothing was changed", INTERRUPTED)
    except click.ClickException as error:
        error.show()
        code = _as_plugin(error.format_message(), USAGE)
    except UsageError as error:
        code = _ended(str(error), USAGE)
    except (LibvirtError, LedgerError) as error:
        code = _ended(str(error), UNREACHABLE)
    except EvidenceError as error:
        remedy = error.missing.remedy
        code = _ended(f"{error}; {remedy}" if remedy else str(error), USAGE)
    except HostAgentError as error:
        code = _ended(str(error), USAGE)
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = _ended(f"the output can't be written: {error.strerror}", USAGE)
    except Exception as error:  # noqa: BLE001 - nobody's work is helped by a screen of Python
        code = _ended(said(error), UNVERIFIED)
    except SystemExit as left:
        # A signal (128 + its number), or click after a reader that has had enough.
        code = left.code
    _leave(int(code or 0))


def _ended(sentence: str, code: int) -> int:
    """Say why it ended before its time, and return the exit code."""
    return _as_plugin(sentence, complain(sentence, code))


def _as_plugin(sentence: str, code: int) -> int:
    """Say it as a plugin of Nagios does, if it was to be one: our exit codes mean others there.

    The words are looked at as they are: what ended may be that they could not be read.
    """
    words = sys.argv[1:]
    if "--format=nagios" not in words and ("--format", "nagios") not in pairwise(words):
        return code
    from host_agent.output import nagios

    with suppress(OSError):
        click.echo(nagios.unknown(sentence), nl=False)
    return int(nagios.State.UNKNOWN)


def _leave(code: int) -> NoReturn:
    """Exit at once: a libvirt call that hangs must not keep the program from ending."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            # As where the reader goes away while it is written: what is short is written only here.
            code = code or 1
        except OSError as error:
            code = complain(f"the output can't be written: {error.strerror}", USAGE)
    os._exit(code)


def _loaded(name: str) -> ModuleType:
    """Import a module, and do not look meanwhile for what could be freed: nothing could."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


TABLE = {
    "audit": (
        "audit",
        "Audit a host: declared against running, booted and live, with a verdict for each domain.",
    ),
    "baseline": ("verify", "Record what domains are now, as what they must still be later."),
    "campaign": ("upgrade", "Show how many upgrades are staged, applied, rolled back and failed."),
    "check-config": (
        "check_config",
        "Check the configuration, and the files with waivers that it names.",
    ),
    "checks": ("checks", "Say what the checks compare, what their outcomes mean, and what to do."),
    "diff": (
        "diff",
        "Show what a guest would find different under another QEMU, before anything moves.",
    ),
    "enroll": (
        "enroll",
        "Give domains the channel over which their guests are asked: org.samemachine.guest.0.",
    ),
    "fleet": (
        "fleet",
        "Ask the fleet's memory: what stands where, changed, is unverified; what bounds upgrades.",
    ),
    "forget": (
        "forget",
        "Remove all that is kept of domains: baseline, history, journal of upgrades.",
    ),
    "history": ("history", "Show the verdicts that were recorded, as a timeline: the newest last."),
    "migrate": (
        "migrate",
        "Move a running domain to another host, and prove that its guest still has the same "
        "machine.",
    ),
    "path": (
        "path",
        "Say whether guests may move between two releases, why, and which way to go round.",
    ),
    "plan": (
        "plan",
        "Say which domains can move or start there, which can't, and what to do first.",
    ),
    "probe": (
        "probe",
        "Ask QEMU what each machine type shows a guest: SMBIOS, ACPI, memory map, ROM sizes.",
    ),
    "rehearse": (
        "rehearse",
        "Rehearse a domain: run its firmware on its own devices, and say what its guest finds.",
    ),
    "report": (
        "report",
        "Report on hosts as one page: verdicts, timelines, support, two hosts compared.",
    ),
    "rollback": (
        "upgrade",
        "Give domains the machine type back that they had before 'samemachine upgrade'.",
    ),
    "schema": (
        "schema",
        "Print the JSON Schema of a command's JSON: which keys there are, and what they mean.",
    ),
    "serve": (
        "serve",
        "Verify each arrival and each restart as soon as the guest answers, until stopped.",
    ),
    "show": (
        "audit",
        "Show one domain's views side by side, where each comes from, and every finding.",
    ),
    "types": (
        "types",
        "List the machine types of a host, a release or an atlas, and how long each lasts.",
    ),
    "upgrade": (
        "upgrade",
        "Raise the machine type of domains, verify each with its own guest, roll back what fails.",
    ),
    "verify": (
        "verify",
        "Hold domains against their baselines: did this move or this restart go well?",
    ),
    "watch": (
        "watch",
        "Watch domains: how each stands, and what changed last, as soon as libvirt tells of it.",
    ),
    "why": (
        "why",
        "Tell what happened to a domain: timeline, before and now, one sentence for the ticket.",
    ),
}
"""Name of a command → its module in ``commands``, and the first line of its help."""
"""Each command with its file in commands/, and the sentence that its help begins with."""


class Door(click.Group):
    """The commands. Only the file of the one that is called is loaded."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all."""
        return sorted({*TABLE, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded; None: there is none of this name."""
        if cmd_name not in self.commands and cmd_name in TABLE:
            for command in _loaded(f"host_agent.commands.{TABLE[cmd_name][0]}").COMMANDS:
                self.add_command(command)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands by the table: nothing is loaded."""
        click.Group("all", _unloaded()).format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin like that, by the table; and options."""
        found = [
            CompletionItem(name, help=command.get_short_help_str())
            for name, command in _unloaded().items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _unloaded() -> dict[str, click.Command]:
    return {name: click.Command(name, help=first) for name, (_, first) in TABLE.items()}


@click.group(
    cls=Door,
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
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="what options default to  [default: /etc/samemachine/host.toml, if it is there]",
)
@click.pass_context
def cli(context: click.Context, file: Path | None) -> None:
    """Is the machine that a guest sees the machine that libvirt declares?"""
    # Who checks a configuration must not stumble over it.
    name = context.invoked_subcommand or ""
    command = cli.get_command(context, name)
    if command is not None and name != "check-config":
        from host_agent.commands.shared import config
        from host_agent.commands.shared.configured import defaults

        context.default_map = {name: defaults(command, config.load(file))}

"""The door: finds the command that was called, and exits with its code."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from host_agent import __version__
from host_agent.commands import (
    audit,
    check_config,
    checks,
    diff,
    enroll,
    forget,
    history,
    migrate,
    path,
    plan,
    probe,
    serve,
    types,
    upgrade,
    verify,
    why,
)
from host_agent.commands.shared import config
from host_agent.commands.shared.configured import defaults
from host_agent.commands.shared.console import WIDTH, complain
from host_agent.errors import (
    EvidenceError,
    HostAgentError,
    LedgerError,
    LibvirtError,
    UsageError,
)
from host_agent.guard import said
from host_agent.output.shared.exit_codes import UNREACHABLE, UNVERIFIED, USAGE


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
    if context.invoked_subcommand != check_config.check_config_command.name:
        context.default_map = defaults(cli, config.load(file))


for _file in (
    audit,
    check_config,
    checks,
    diff,
    enroll,
    forget,
    history,
    migrate,
    path,
    plan,
    probe,
    serve,
    types,
    upgrade,
    verify,
    why,
):
    for _command in _file.COMMANDS:
        cli.add_command(_command)

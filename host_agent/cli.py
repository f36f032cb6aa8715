"""The command ``samemachine``. Only this module prints and exits."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from host_agent import __version__
from host_agent.audit import Options, audit
from host_agent.errors import HostAgentError, LibvirtError, UsageError
from host_agent.model import HostAudit
from host_agent.output import json, text
from host_agent.output.summary import UNREACHABLE, USAGE, exit_code

_WIDTH = 100
_EXITS = """\b
Exit codes:
  0  all verified
  1  a mismatch
  2  usage or configuration
  3  no mismatch, but something could not be verified
  4  libvirt can't be reached"""


def main() -> NoReturn:
    """Run the command and exit with its code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = _complain("interrupted; nothing was changed", 130)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except UsageError as error:
        code = _complain(str(error), USAGE)
    except LibvirtError as error:
        code = _complain(str(error), UNREACHABLE)
    except HostAgentError as error:
        code = _complain(str(error), USAGE)
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = _complain(f"the output can't be written: {error.strerror}", USAGE)
    _leave(int(code or 0))


def _leave(code: int) -> NoReturn:
    """Exit at once: a libvirt call that hangs must not keep the program from ending."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            continue
        except OSError as error:
            code = _complain(f"the output can't be written: {error.strerror}", USAGE)
    os._exit(code)


def _complain(sentence: str, code: int) -> int:
    click.echo(f"samemachine: {sentence}", err=True)
    return code


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH},
    epilog="""\b
Examples:
  samemachine audit                          this host, all domains
  samemachine show vm1                       one domain, all views side by side
  samemachine audit -c qemu+ssh://node2/system -c qemu+ssh://node3/system""",
)
@click.version_option(__version__, prog_name="samemachine")
def cli() -> None:
    """Is the machine that a guest sees the machine that libvirt declares?"""


def _connections(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all of them share."""
    for option in (
        click.option(
            "-c", "--connect", "uris", multiple=True, metavar="URI",
            help="libvirt connection; repeatable  [default: $LIBVIRT_DEFAULT_URI, then "
            "qemu:///system]",
        ),
        click.option(
            "--timeout", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True,
            metavar="SECONDS", help="what one guest may take to answer",
        ),
        click.option(
            "--format", "form", type=click.Choice(["text", "json"]), default="text",
            show_default=True, help="what to print",
        ),
        click.option(
            "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
            help="write there instead of to standard output",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@cli.command(
    "audit",
    epilog="\b\nExamples:\n"
    "  samemachine audit\n"
    "  samemachine audit vm1 vm2 --verbose\n"
    "  samemachine audit --format json | jq '.hosts[].domains[] | select(.verdict==\"mismatch\")'\n"
    "  samemachine audit -c qemu+ssh://root@node2/system --timeout 5\n"
    f"\n{_EXITS}",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=8, show_default=True, metavar="N",
    help="how many domains to ask at the same time",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="every finding of every domain")
@_connections
def audit_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    timeout: float,
    jobs: int,
    form: str,
    output: Path | None,
    *,
    verbose: bool,
) -> int:
    """Audit a host: declared against running, booted and live, with a verdict for each domain.

    DOMAIN is a name or a UUID; none: all of them, running or not. Nothing is changed.
    """
    options = Options(names=domains, seconds=timeout, at_once=jobs)
    audits, unreachable = _run(uris, options)
    code = exit_code(audits, len(unreachable))
    with _destination(output) as console:
        if form == "json":
            console.file.write(json.render(audits, unreachable, code))
        else:
            text.print_audits(console, audits, verbose=verbose)
    return code


@cli.command(
    "show",
    epilog="\b\nExamples:\n"
    "  samemachine show vm1\n"
    "  samemachine show 3d1b0a52-6d5e-4c1b-9c70-0a0a0a0a0001 --format json\n"
    f"\n{_EXITS}",
)
@click.argument("domain")
@_connections
def show_command(
    domain: str, uris: tuple[str, ...], timeout: float, form: str, output: Path | None
) -> int:
    """Show one domain's views side by side, where each comes from, and every finding."""
    audits, unreachable = _run(uris, Options(names=(domain,), seconds=timeout))
    code = exit_code(audits, len(unreachable))
    with _destination(output) as console:
        if form == "json":
            console.file.write(json.render(audits, unreachable, code))
        else:
            for one in audits:
                text.print_show(console, one)
    return code


def _run(uris: tuple[str, ...], options: Options) -> tuple[list[HostAudit], list[str]]:
    """Audit each host in turn; one that can't be reached costs no other its audit."""
    audits, unreachable = [], []
    for uri in uris or (os.environ.get("LIBVIRT_DEFAULT_URI") or "qemu:///system",):
        try:
            with _progress(uri) as told:
                audits.append(audit(uri, options, told))
        except LibvirtError as error:
            _complain(str(error), UNREACHABLE)
            unreachable.append(uri)
    return audits, unreachable


@contextmanager
def _progress(uri: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error where somebody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(uri, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _destination(output: Path | None) -> Iterator[Console]:
    """Standard output, or a file that is whole or not there."""
    if output is None:
        console = Console(highlight=False, soft_wrap=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=_WIDTH)
        yield console
        return
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=output.parent, prefix=f".{output.name}.", delete=False
        ) as file:
            try:
                yield Console(file=file, highlight=False, width=_WIDTH)
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(output)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}") from error

"""The command ``samemachine``. Only this module prints and exits."""

import difflib
import io
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from host_agent import __version__, atlas, atlas_diff, atlas_file
from host_agent.atlas import Atlas
from host_agent.audit import Options, audit
from host_agent.errors import EvidenceError, HostAgentError, LibvirtError, UsageError
from host_agent.model import HostAudit
from host_agent.output import atlas as atlas_output
from host_agent.output import json, text
from host_agent.output.summary import MISMATCH, UNREACHABLE, USAGE, VERIFIED, exit_code
from host_agent.probe import SECONDS
from host_agent.survey import default_binary, survey

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
    except EvidenceError as error:
        remedy = error.missing.remedy
        code = _complain(f"{error}; {remedy}" if remedy else str(error), USAGE)
    except HostAgentError as error:
        code = _complain(str(error), USAGE)
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = _complain(f"the output can't be written: {error.strerror}", USAGE)
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
  samemachine probe --output here.json.xz    what this host's QEMU shows a guest
  samemachine diff debian:bookworm live      what a guest of theirs would find different here
  samemachine audit -c qemu+ssh://node2/system -c qemu+ssh://node3/system""",
)
@click.version_option(__version__, prog_name="samemachine")
def cli() -> None:
    """Is the machine that a guest sees the machine that libvirt declares?"""


def _format(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options for what it prints and where."""
    for option in (
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


def _connections(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all that ask libvirt share."""
    for option in (
        click.option(
            "-c", "--connect", "uris", multiple=True, metavar="URI",
            help="libvirt connection; repeatable  [default: $LIBVIRT_DEFAULT_URI, then "
            "qemu:///system]",
        ),
        click.option(
            "--probe/--no-probe", default=True, show_default=True,
            help="whether to ask QEMU itself what it builds for each domain",
        ),
        click.option(
            "--timeout", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True,
            metavar="SECONDS", help="what one guest may take to answer",
        ),
    ):  # fmt: skip
        command = option(command)
    return _format(command)


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
    probe: bool,
    verbose: bool,
) -> int:
    """Audit a host: declared against running, booted and live, with a verdict for each domain.

    DOMAIN is a name or a UUID; none: all of them, running or not. Nothing is changed.
    """
    options = Options(names=domains, seconds=timeout, at_once=jobs, probe=probe)
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
    domain: str, uris: tuple[str, ...], timeout: float, form: str, output: Path | None, *,
    probe: bool,
) -> int:  # fmt: skip
    """Show one domain's views side by side, where each comes from, and every finding."""
    audits, unreachable = _run(uris, Options(names=(domain,), seconds=timeout, probe=probe))
    code = exit_code(audits, len(unreachable))
    with _destination(output) as console:
        if form == "json":
            console.file.write(json.render(audits, unreachable, code))
        else:
            for one in audits:
                text.print_show(console, one)
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
        with _whole_file(output) as file:
            file.write(atlas_file.compressed(atlas.to_text(made), output))
    console = _standard_output()
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
    "  samemachine diff a.json b.json --format json | jq '.differences[].effect'\n"
    "\n\b\nExit codes:\n  0  a guest sees no difference\n"
    "  1  a guest sees one, or its machine type is gone\n"
    "  2  usage, or an atlas that can't be read",
)
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="only this machine type; repeatable"
)
@click.option("--qemu", metavar="BINARY", help="the QEMU that 'live' means  [default: this host's]")
@click.option("-v", "--verbose", is_flag=True, help="every type by name, and the sources")
@_format
def diff_command(
    old: str, new: str, types: tuple[str, ...], qemu: str | None, form: str, output: Path | None,
    *, verbose: bool,
) -> int:  # fmt: skip
    """Show what a guest would find different under another QEMU, before anything moves.

    A and B are atlases: files of 'samemachine probe', 'live' for this host's QEMU, or shipped ones
    such as debian:trixie or debian:trixie:aarch64.
    """
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
    code = MISMATCH if diff.seen else VERIFIED
    with _destination(output) as console:
        if form == "json":
            console.file.write(atlas_output.render_diff(diff, code))
        else:
            atlas_output.print_diff(console, diff, verbose=verbose)
    return code


def _near(name: str, names: Collection[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, names)) or "none"


def _atlas(name: str, qemu: str | None) -> Atlas:
    if name == "live":
        return _survey(qemu, (), None)
    if atlas_file.is_shipped_name(name):
        return atlas_file.read_shipped(name)
    return atlas_file.read(Path(name))


def _survey(
    qemu: str | None, types: tuple[str, ...], root: Path | None, seconds: float = SECONDS
) -> Atlas:
    binary = qemu or default_binary(root)
    with _orderly_end(), _progress(f"probing {binary}") as told:
        return survey(binary, types, told, root, seconds)


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Let a signal that ends us end what we started first, and leave no half file."""
    before = {
        number: signal.signal(number, _exit)
        for number in (signal.SIGTERM, signal.SIGHUP)
        # Whoever started us may have asked for it to be ignored (nohup).
        if signal.getsignal(number) == signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


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


def _standard_output() -> Console:
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


@contextmanager
def _destination(output: Path | None) -> Iterator[Console]:
    """Standard output, or a file that is whole or not there."""
    if output is None:
        yield _standard_output()
        return
    with _whole_file(output) as file, io.TextIOWrapper(file, encoding="utf-8") as text_file:
        yield Console(file=text_file, highlight=False, width=_WIDTH)


@contextmanager
def _whole_file(output: Path) -> Iterator[IO[bytes]]:
    """A file that is whole or not there; what is no file (/dev/null, a pipe) is written to."""
    try:
        if output.exists() and not stat.S_ISREG(output.stat().st_mode):
            with output.open("wb") as file:
                yield file
            return
        with (
            _orderly_end(),
            tempfile.NamedTemporaryFile(
                dir=output.parent, prefix=f".{output.name}.", delete=False
            ) as file,
        ):
            try:
                yield file.file
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(output)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}") from error

"""The command ``path``."""

from datetime import date, datetime
from pathlib import Path

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.console import destination
from host_agent.errors import UsageError
from host_agent.machine_types import release_dates, releases
from host_agent.machine_types.releases import DEBIAN, UBUNTU, Known, Release
from host_agent.missing import Missing
from host_agent.output import path as path_output
from host_agent.output.shared.exit_codes import VERIFIED


@click.command(
    "path",
    epilog="\b\nExamples:\n"
    "  samemachine path jammy noble\n"
    "  samemachine path 22.04 26.04 --cold\n"
    "  samemachine path debian:oldstable debian:stable --on 2026-01-01\n"
    "  samemachine path --matrix                      today's releases of Ubuntu\n"
    "  samemachine path --matrix --from jammy --format svg --output paths.svg\n"
    "\n\b\nExit codes:\n  0  supported, or the matrix was printed\n  1  not supported\n"
    "  2  usage, or the releases' dates can't be read\n  3  not known",
)
@click.argument("origin", metavar="[FROM]", required=False, shell_complete=completion.releases)
@click.argument("target", metavar="[TO]", required=False, shell_complete=completion.releases)
@click.option(
    "--live/--cold",
    default=True,
    show_default=True,
    help="moved while it runs, or stopped here and started there",
)
@click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="as of a day, YYYY-MM-DD  [default: today]",
)
@click.option("--matrix", is_flag=True, help="all paths between a distribution's releases")
@click.option(
    "--from",
    "first",
    metavar="RELEASE",
    shell_complete=completion.releases,
    help="with --matrix: from this release to the second LTS after it  [default: what is "
    "supported on the day]",
)
@click.option(
    "--distribution",
    type=click.Choice([UBUNTU, DEBIAN]),
    default=UBUNTU,
    show_default=True,
    help="with --matrix: whose releases",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "svg", "html"]),
    default="text",
    show_default=True,
    help="what to print; svg and html with --matrix",
)
@click.option(
    "--output",
    "place",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write there instead of to standard output",
)
def path_command(
    origin: str | None,
    target: str | None,
    day: datetime | None,
    first: str | None,
    distribution: str,
    form: str,
    place: Path | None,
    *,
    live: bool,
    matrix: bool,
) -> int:
    """Say whether guests may move between two releases, why, and which way to go round.

    FROM and TO are releases of Ubuntu or Debian: noble, 24.04, debian:12, debian:stable. The dates
    are those of distro-info-data; the rules are Ubuntu's policy for machine types.
    """
    on = day.date() if day is not None else date.today()
    known = _known()
    if matrix:
        if origin or target:
            raise UsageError("--matrix takes no FROM and TO; say with --from where it begins")
        _print_matrix(_chosen(first, distribution, known, on), known, on, form, place)
        return VERIFIED
    if origin is None or target is None or first is not None:
        raise UsageError("say FROM and TO, such as: samemachine path jammy noble; or --matrix")
    if form not in {"text", "json"}:
        raise UsageError(f"--format {form} is for --matrix")
    answer = releases.path(origin, target, known, on=on, live=live)
    with destination(place, shared=True) as console:
        if form == "json":
            console.file.write(path_output.render_answer(answer))
        else:
            path_output.print_answer(console, answer)
    return path_output.exit_code(answer)


COMMANDS = (path_command,)


def _chosen(first: str | None, distribution: str, known: Known, on: date) -> list[Release]:
    if first is None:
        chosen = releases.current(known, distribution, on)
        if not chosen:
            raise UsageError(f"no release of {distribution} was supported on {on}")
        return list(chosen)
    found = releases.find(first, known, on)
    if found is None:
        raise UsageError(f"no release {first!r} is known; distro-info-data lists them")
    return list(releases.from_lts(found, known))


def _print_matrix(
    chosen: list[Release], known: Known, on: date, form: str, place: Path | None
) -> None:
    made = releases.matrix(chosen, known, on)
    with destination(place, shared=True) as console:
        if form == "text":
            path_output.print_matrix(console, made)
        elif form == "json":
            console.file.write(path_output.render_json(made))
        else:
            console.file.write(path_output.render_page(made, form))


def _known() -> Known:
    found = release_dates.known()
    if isinstance(found, Missing):
        raise UsageError(f"{found.sentence}; {found.remedy}")
    return found

"""``samemachine-lab matrix``: the command."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from rich.console import Console

from host_agent.output.shared.exit_codes import (
    INTERRUPTED,
    MISMATCH,
    UNVERIFIED,
    USAGE,
    VERIFIED,
)
from tests.checkout import CHECKOUT
from tests.lab import lab
from tests.lab.matrix import document, kinds, known_issues, page, result, run, screen, sides
from tests.lab.matrix.journal import Journal, JournalError
from tests.lab.matrix.kinds import KindError
from tests.lab.matrix.known_issues import KnownIssuesError
from tests.lab.matrix.result import Matrix
from tests.lab.matrix.run import Wish
from tests.lab.matrix.sides import SideError

_KNOWN = Path(__file__).with_name("known-issues.toml")
_FORMS: Mapping[str, Callable[[Matrix, int], str]] = {
    "json": document.render,
    "junit": lambda matrix, _: document.junit(matrix),
    "html": page.render,
}
_WORST = (VERIFIED, UNVERIFIED, MISMATCH, USAGE, INTERRUPTED)
_FILES = {"json": "matrix.json", "junit": "matrix.xml", "html": "matrix.html"}
HELP = """Move a guest of each machine type live from one QEMU package to another, and hold every
forecast against what came."""
_EPILOG = """exit codes:
  0    all as expected
  1    something beyond the expected, or a forecast of samemachine that was wrong
  2    usage, or a journal of another run
  3    not all is done, or evidence is missing
  130  broken off; --resume goes on
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "matrix",
        help="a migration matrix between two QEMU packages",
        description=HELP,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = (
        f"a suite ({', '.join(sides.SUITES)}), SUITE+FOLDER with .deb files laid over it, or the "
        "root folder of an installed system of one, which is not written to"
    )
    parser.add_argument("--from", dest="source", required=True, metavar="SOURCE", help=what)
    parser.add_argument(
        "--to",
        dest="targets",
        action="append",
        required=True,
        metavar="TARGET",
        help="likewise; repeatable, for several releases in a row",
    )
    parser.add_argument(
        "--types",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="machine types, such as 'pc-q35-*'; none: all versioned ones of both",
    )
    parser.add_argument(
        "--arch",
        default=kinds.X86_64.architecture,
        metavar="ARCHITECTURE",
        help="of the guests, by libvirt's, QEMU's or Debian's word: "
        f"{', '.join(kind.architecture for kind in kinds.KINDS)} (default: %(default)s); guests "
        "of others than x86_64 live in their memory, and what they write is there, too",
    )
    parser.add_argument(
        "--lanes",
        type=int,
        default=os.cpu_count() or 1,
        help="how many types at the same time (default: %(default)s)",
    )
    parser.add_argument("--at-most", type=int, metavar="N", help="end after so many types")
    parser.add_argument("--resume", action="store_true", help="go on where a run was broken off")
    parser.add_argument(
        "--known-issues", type=Path, default=_KNOWN, metavar="FILE", help="a TOML file"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="for journal, logs and results, a folder a path (default: build/matrix)",
    )
    parser.add_argument("--format", choices=["text", *_FORMS], default="text")


def command(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    try:
        wishes = list(_wishes(options))
    except (SideError, KindError, KnownIssuesError, OSError) as error:
        print(f"samemachine-lab matrix: {error}", file=sys.stderr)
        return USAGE
    why = lab.hindrance()
    if why is not None:
        print(why, file=sys.stderr)
        return USAGE
    codes = []
    for wish in wishes:
        codes.append(_path(wish, options.format))
        if codes[-1] in {USAGE, INTERRUPTED}:
            break
    return max(codes, key=_WORST.index)


def _path(wish: Wish, form: str) -> int:
    """Run one path; returns its exit code."""
    journal = Journal(wish.folder / "journal.jsonl")
    interrupted = False
    # What is going on is no result: that is printed at the end.
    console = Console(stderr=True)
    try:
        with run.bench(wish) as bench:
            matrix = run.begin(wish, bench, journal)
            try:
                with screen.watching(console, matrix) as watcher:
                    matrix = run.run(wish, bench, matrix, journal, watcher)
            except KeyboardInterrupt:
                interrupted = True
    except JournalError as error:
        print(f"samemachine-lab matrix: {error}", file=sys.stderr)
        return USAGE
    if interrupted:
        matrix = matrix.with_cells(journal.read()[1], wish.unused)
    return _tell(matrix, wish.folder, form, interrupted=interrupted)


def _wishes(options: argparse.Namespace) -> Iterator[Wish]:
    names = [options.source, *options.targets]
    if options.lanes < 1 or (options.at_most is not None and options.at_most < 0):
        raise SideError("--lanes is 1 or more, --at-most 0 or more")
    if len(names) > 2 and options.format != "text":
        raise SideError("of several paths each has its files in its folder; --format is of one")
    text = options.known_issues.read_text(encoding="utf-8")
    issues = known_issues.parse(text, options.known_issues.name)
    kind = kinds.of(options.arch)
    architecture = "" if kind is kinds.X86_64 else f"-{kind.architecture}"
    for source, target in pairwise(sides.side(name, kind) for name in names):
        path = f"{source.suite}-{target.suite}{architecture}"
        yield Wish(
            source=source,
            target=target,
            types=options.types or kind.types,
            folder=(options.folder or CHECKOUT / "build/matrix") / path,
            lanes=options.lanes,
            resume=options.resume,
            most=options.at_most,
            issues=issues,
            today=datetime.now().astimezone().date(),
        )


def _tell(matrix: Matrix, folder: Path, form: str, *, interrupted: bool) -> int:
    code = INTERRUPTED if interrupted else result.exit_code(matrix)
    for name, render in _FORMS.items():
        (folder / _FILES[name]).write_text(render(matrix, code), encoding="utf-8")
    if form == "text":
        screen.print_matrix(Console(), matrix, code)
    else:
        sys.stdout.write(_FORMS[form](matrix, code))
    return code

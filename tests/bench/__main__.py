"""``make bench``: what samemachine costs, each row beside what it can't be cheaper than."""

import argparse
import compileall
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench import report
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Unmeasured
from tests.bench.rows import GROUPS, ROWS, Group, Places, hindrance
from tests.checkout import CHECKOUT

_LIBRARIES = "grpcio", "protobuf", "libvirt-python", "lxml", "click", "rich"
_EXAMPLES = """examples:
  make bench                                      every row; an hour, as root
  python -m tests.bench --list                    which rows there are
  python -m tests.bench test-driver answering     two of them
  python -m tests.bench --quick                   each row twice, with a tenth of the domains
  python -m tests.bench daemon-idle --minutes 1
  python -m tests.bench --json bench.json

Rows on real hosts need the lab, and so root. Nothing else should run meanwhile.

exit codes: 0 every row that was asked for was measured, or can't be here; whether goals are held is
in the table · 1 a row broke · 2 usage · 130 interrupted
"""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="What samemachine costs, each row beside its floor, measured in turn.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which; none: all of them")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there as well")
    parser.add_argument(
        "--plots",
        type=Path,
        metavar="FOLDER",
        default=CHECKOUT / "build/bench",
        help="where growth is drawn (default: build/bench)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="how long what is idle is watched (default: 10; with --quick 0.5)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few rounds and few domains: to try a row, not to believe it",
    )
    options = parser.parse_args(arguments)
    for name in options.rows:
        if name not in ROWS:
            parser.error(f"there is no row {name}; --list says which there are")
    if options.minutes is None:
        options.minutes = 0.5 if options.quick else 10.0
    if not 0.05 <= options.minutes <= 24 * 60:
        parser.error("--minutes takes 0.05 to 1440")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    options = _options(arguments)
    if options.list:
        for name, what in ROWS.items():
            print(f"{name:24} {what}")
        return 0
    # What runs in the background ignores it, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A first run would compile, and others not.
    for folder in ("host_agent", "guest_agent", "proto", "tests"):
        compileall.compile_dir(CHECKOUT / folder, quiet=2)
    machine = _machine(quick=options.quick)
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    figures: list[Figure] = []
    unmeasured: list[Unmeasured] = []
    with tempfile.TemporaryDirectory(prefix="samemachine-bench-") as folder, Places() as places:
        for group in GROUPS:
            chosen = [row for row in group.rows if not options.rows or row in options.rows]
            if not chosen:
                continue
            scratch = Path(folder, chosen[0])
            scratch.mkdir()
            bench = Bench(
                folder=scratch,
                plot=options.plots,
                quick=options.quick,
                minutes=options.minutes,
                chosen=frozenset(chosen),
                tell=_Progress(chosen),
            )
            _measure(places, group, bench, chosen, figures, unmeasured)
    print(f"\n{report.summary(figures, unmeasured)}")
    if options.json is not None:
        document = report.document(machine, figures, unmeasured)
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if any(one.broke for one in unmeasured) else 0


def _measure(
    places: Places,
    group: Group,
    bench: Bench,
    chosen: Sequence[str],
    figures: list[Figure],
    unmeasured: list[Unmeasured],
) -> None:
    why, broke = hindrance(group), False
    done = set()
    if why is None:
        try:
            for figure in places.measure(group, bench):
                figures.append(figure)
                done.add(figure.row)
                print(f"\n{report.text(figure)}", flush=True)
        except Exception as error:  # noqa: BLE001 - one row that breaks costs no other one
            why, broke = f"{type(error).__name__}: {str(error)[-400:]}", True
    for row in chosen:
        if row not in done:
            unmeasured.append(Unmeasured(row=row, why=why or "nothing was measured", broke=broke))
            print(f"\n{row}: not measured: {unmeasured[-1].why}", flush=True)


class _Progress:
    """Says on standard error how far the rows of a group are."""

    def __init__(self, rows: Sequence[str]) -> None:
        self._rows = ", ".join(rows)
        self._started = time.monotonic()

    def __call__(self, words: str) -> None:
        spent = time.monotonic() - self._started
        print(f"bench: {self._rows}: {words} ({spent:.0f} s)", file=sys.stderr, flush=True)


def _machine(*, quick: bool) -> dict[str, Any]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith(("model name", "Processor"))
        ),
        platform.machine(),
    )
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "quick": quick,
        **{name: metadata.version(name) for name in _LIBRARIES},
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        sys.exit(130)

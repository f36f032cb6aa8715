"""``python -m tests.fuzz [SECONDS] [TARGET…]``: fuzz each target for its share of the time.

Corpora grow in build/fuzz/corpus, inputs that broke something lie in build/fuzz/findings; the exit
code is 1 where there is one. ``python -m tests.fuzz --one TARGET [libFuzzer's options]`` runs one
in this process, for example with the path of a finding.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.checkout import CHECKOUT

PLACE = CHECKOUT / "build/fuzz"
MEMORY = 1024
"""MiB; atheris and what it watches take some 300."""
SLOW = 10
"""Seconds of one input that are a finding; instrumented code is several times as slow."""
LONGEST = 65536


def one(name: str, options: list[str]) -> None:
    """Fuzz a target in this process, for as long as the options say."""
    import atheris

    with atheris.instrument_imports(include=["host_agent", "guest_agent", "samemachine"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]

    def run(raw: bytes) -> None:
        try:
            target.run(raw)
        except target.errors:
            return

    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


def every(seconds: float, names: list[str]) -> int:
    """Fuzz targets one after the other, each in a process of its own; returns the exit code."""
    from tests.fuzz.targets import TARGETS, write_seeds

    chosen = names or list(TARGETS)
    findings = PLACE / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    broken = []
    for name in chosen:
        corpus = PLACE / "corpus" / name
        write_seeds(TARGETS[name], corpus)
        share = max(1, int(seconds / len(chosen)))
        began = time.monotonic()
        with (PLACE / f"{name}.log").open("wb") as log:
            code = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "tests.fuzz",
                    "--one",
                    name,
                    f"-max_total_time={share}",
                    f"-rss_limit_mb={MEMORY}",
                    f"-timeout={SLOW}",
                    f"-max_len={LONGEST}",
                    f"-artifact_prefix={findings}/{name}-",
                    str(corpus),
                ],
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
                check=False,
                env=_environment(),
            ).returncode
        said = f"{name}: {_runs(PLACE / f'{name}.log')}, {time.monotonic() - began:.0f} s"
        print(said if code == 0 else f"{said}: BROKEN, see {PLACE / name}.log", flush=True)
        broken += [name] if code else []
    print(f"{len(chosen) - len(broken)} of {len(chosen)} held", flush=True)
    return 1 if broken else 0


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "proto")])}


def _runs(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    done = [line for line in lines if line.startswith("Done ")]
    return done[-1].removeprefix("Done ") if done else "ended early"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(every(float(sys.argv[1]) if sys.argv[1:] else 900.0, sys.argv[2:]))

"""Runs a command of ours, and at its end writes which modules are loaded, as JSON.

``python -m tests.bench.loaded FILE PACKAGE [WORD]...``, where PACKAGE has a ``cli.main``.
"""

import importlib
import json
import sys
from functools import partial
from pathlib import Path

from tests.bench import at_end


def tell(file: Path, before: frozenset[str]) -> None:
    """Write those that have a file, in the order in which they were loaded."""
    names = [
        name
        for name, module in sys.modules.items()
        if name not in before and getattr(module, "__file__", None)
    ]
    file.write_text(json.dumps(names), encoding="utf-8")


if __name__ == "__main__":
    at_end.do(partial(tell, Path(sys.argv[1]), frozenset(sys.modules)))
    package = sys.argv[2]
    sys.argv[:] = [package, *sys.argv[3:]]
    importlib.import_module(f"{package}.cli").main()

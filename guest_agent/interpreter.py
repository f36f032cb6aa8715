"""Starts a part of the agent in a bare interpreter, so that its memory holds what it imports alone.

Bare is: nothing of the environment, no working folder and no user's folder to import from (``-I``),
and no ``site`` with what it runs (``-S``).
"""

import os
import sys


def command(module: str, *arguments: str) -> "list[str]":
    """Return the command that calls ``main`` of ``module`` with the arguments.

    It imports from where this process does. An entry that is no whole path would be the working
    folder's, which may be anybody's.
    """
    path = [entry for entry in sys.path if os.path.isabs(entry)]
    program = f"import sys; sys.path[:] = {path}; from {module} import main; main(*sys.argv[1:])"
    bare = ["-I", "-S", "-B"] if sys.dont_write_bytecode else ["-I", "-S"]
    return [sys.executable, *bare, "-c", program, *arguments]

"""The guard around each domain: whatever goes wrong with one of many is that one's own result.

A job looks at many domains, and each of them may be hostile, or new. What nobody foresaw must cost
no other domain its verdict, nor an operator a screen of Python. So each job does what it does with
one domain within ``guarded``.
"""

from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from host_agent.printable import shortened

_T = TypeVar("_T")
_F = TypeVar("_F")
_LONGEST = 1000
_OURS = f"{__name__.partition('.')[0]}."


def guarded(do: Callable[[], _T], failed: Callable[[str], _F]) -> _T | _F:
    """Return what ``do`` returns, else what ``failed`` makes of the sentence that says why not.

    Nothing that is to end the program (``KeyboardInterrupt``, ``SystemExit``) is caught.
    """
    try:
        return do()
    except Exception as error:  # noqa: BLE001 - this is the one place for what nobody foresaw
        return failed(said(error))


def said(error: Exception) -> str:
    """Return an error in one sentence, bounded and printable.

    Errors of this package are sentences already; any other is a fault of ours, and says where.
    """
    if type(error).__module__.startswith(_OURS):
        return shortened(str(error), _LONGEST)
    frames = extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    what = shortened(f"{type(error).__name__}: {error}", _LONGEST)
    return f"{what}{where}; that is a fault of samemachine, please report it"

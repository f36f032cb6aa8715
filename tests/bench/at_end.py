"""Something to be done when a program of ours ends, however it does."""

import atexit
import os
from collections.abc import Callable
from typing import NoReturn


def do(function: Callable[[], None]) -> None:
    """Do it once, also where the program ends by ``os._exit``."""
    leave = os._exit

    def told(code: int) -> NoReturn:
        function()
        leave(code)

    vars(os)["_exit"] = told
    atexit.register(function)

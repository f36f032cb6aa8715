"""For fixtures that need the lab's tools, and build images."""

import os
from contextlib import AbstractContextManager

import pytest

from tests.lab import lab


def require() -> None:
    """Skip where the lab can't run; SAMEMACHINE_LAB=required makes a failure of that."""
    why = lab.hindrance()
    if why is not None:
        if os.environ.get("SAMEMACHINE_LAB") == "required":
            pytest.fail(why)
        pytest.skip(why)


def shown(request: pytest.FixtureRequest) -> AbstractContextManager[None]:
    """Let what is printed be seen at once: building takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    disabled: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return disabled

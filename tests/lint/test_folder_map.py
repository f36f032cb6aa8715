"""The map for newcomers says what is so."""

import re

import pytest

from tests import folder_map
from tests.checkout import CHECKOUT

TEXT = folder_map.FILE.read_text(encoding="utf-8")


def test_the_map_is_todays() -> None:
    assert folder_map.drawn(TEXT) == TEXT, "python -m tests.folder_map"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:host|guest)_agent/[\w/.]+)`", TEXT))))
def test_what_it_names_is_there(path: str) -> None:
    # In a recipe it is a file that somebody writes.
    assert (CHECKOUT / path.replace("NAME", "audit")).exists() or "NAME" in path

"""What all tests share: how many of them are run."""

import pytest

from tests import shown


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--size", choices=shown.SIZES, default="all",
        help="once: without the long tests whose subject has not changed since they passed",
    )  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--size") == "all":
        return
    left_out = shown.left_out()
    long = [
        item for item in items
        if any(mark.args[0] in left_out for mark in item.iter_markers("long"))
    ]  # fmt: skip
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]

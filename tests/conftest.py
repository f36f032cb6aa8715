"""What all tests share: how many of them are run, and what a fixture that fails costs."""

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests import shown

# No verdict depends on speed, and hypothesis has a clock of its own.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--size",
        choices=shown.SIZES,
        default="all",
        help="once: without the long tests whose subject has not changed since they passed",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--size") == "all":
        return
    left_out = shown.left_out()
    long = [
        item
        for item in items
        if any(mark.args[0] in left_out for mark in item.iter_markers("long"))
    ]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Have a fixture that failed made anew for the next test: one failure costs one test."""
    try:
        return (yield)
    except Exception as error:
        # As if it had been made for another parameter: pytest then finishes it and makes it anew.
        fixturedef.cached_result = None, object(), (error, error.__traceback__)
        raise

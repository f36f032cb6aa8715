"""The fuzzer's targets still fit the parsers: each seed is read."""

import pytest

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())
    assert seeds
    for raw in seeds:
        target.run(raw)
    for raw in (b"", b"\xff" * 100, seeds[0][: len(seeds[0]) // 2]):
        try:
            target.run(raw)
        except target.errors:
            continue

"""Which domains are verified where none is named."""

from dataclasses import dataclass
from typing import Any, cast

from host_agent.errors import LibvirtError
from host_agent.verify.verify import running


@dataclass
class Domain:
    name: str
    active: bool | None

    def is_active(self) -> bool:
        if self.active is None:
            raise LibvirtError("Domain not found")
        return self.active


def test_one_that_went_away_since_costs_the_others_nothing() -> None:
    domains = [Domain("on", active=True), Domain("gone", active=None), Domain("off", active=False)]
    assert [one.name for one in running(cast("Any", domains))] == ["on", "gone"]

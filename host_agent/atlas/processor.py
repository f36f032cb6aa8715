"""The processor that QEMU gives a guest of which nothing is said of it. Pure.

All that can be told of what an s390x machine shows its guest: it has neither fw_cfg nor a device
tree. The form for storing is ``{"model": "gen15a-base", "features": ["aefsi", ...]}``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from host_agent.difference import Area, Difference
from host_agent.printable import printable

_MOST_FEATURES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A model of QEMU's, and what it has."""

    model: str
    features: frozenset[str]


def of_qmp(answer: Any) -> Processor:
    """Read what ``query-cpu-model-expansion`` says (QEMU qapi/machine-target.json).

    Raises ``KeyError``, ``TypeError`` or ``AttributeError`` where it is of another form.
    """
    model = answer["model"]
    return _processor(model["name"], [key for key, on in model["props"].items() if on is True])


def to_form(processor: Processor) -> dict[str, Any]:
    """Return the form for storing."""
    return {"model": processor.model, "features": sorted(processor.features)}


def from_form(form: Mapping[str, Any]) -> Processor:
    """Read the form; raises ``KeyError`` or ``TypeError``."""
    return _processor(form["model"], form["features"])


def _processor(model: Any, features: Any) -> Processor:
    if not isinstance(model, str) or not isinstance(features, list):
        raise TypeError("a processor is a model and a list of features")
    if len(features) > _MOST_FEATURES or not all(isinstance(one, str) for one in features):
        raise TypeError("a processor's features are no names, or too many")
    return Processor(model=printable(model), features=frozenset(map(printable, features)))


def differences(old: Processor, new: Processor) -> Iterator[Difference]:
    """Yield what a guest would find otherwise."""
    if old.model != new.model:
        yield _difference("model", old.model, new.model)
    for feature in sorted(old.features ^ new.features):
        one, two = (("on" if feature in side.features else "off") for side in (old, new))
        yield _difference(feature, one, two)


def _difference(field: str, old: str, new: str) -> Difference:
    return Difference(area=Area.CPU, subject="QEMU's default", field=field, old=old, new=new)

"""Default processors: of machine types that show their guest nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from host_agent.atlas import processor
from host_agent.atlas.atlas import AtlasError, Machine, from_text, to_text
from host_agent.atlas.diff import compare
from host_agent.atlas.processor import Processor
from tests.fingerprint_builder import atlas

OLD = Processor(model="z14.2-base", features=frozenset({"vx", "msa", "aen"}))
NEW = Processor(model="gen15a-base", features=frozenset({"vx", "msa", "vxeh2"}))
TYPE = Machine(name="s390-ccw-virtio-7.2", error="no tables", processor=OLD)


def test_what_is_on_is_read() -> None:
    props = {"vx": True, "msa": True, "aen": True, "dfp": False, "other": "true"}
    answer = {"model": {"name": "z14.2-base", "props": props}, "deprecated-props": []}
    assert processor.of_qmp(answer) == OLD


@pytest.mark.parametrize("answer", [{}, {"model": {"name": 1, "props": {}}}, [], {"model": {}}])
def test_an_answer_of_another_form_is_refused(answer: Any) -> None:
    with pytest.raises((KeyError, TypeError, AttributeError)):
        processor.of_qmp(answer)


def test_an_atlas_keeps_it() -> None:
    whole = atlas(TYPE)
    assert from_text(to_text(whole)) == whole
    form = json.loads(to_text(whole))
    for wrong in ({}, {"model": "a", "features": "vx"}, {"model": "a", "features": [1]}):
        form["machines"][0]["processor"] = wrong
        with pytest.raises(AtlasError):
            from_text(json.dumps(form))


def test_what_a_guest_there_would_find_otherwise() -> None:
    found = compare(atlas(TYPE), atlas(replace(TYPE, processor=NEW)))
    assert {str(group.difference) for group in found.groups} == {
        "CPU QEMU's default: model z14.2-base -> gen15a-base",
        "CPU QEMU's default: aen on -> off",
        "CPU QEMU's default: vxeh2 off -> on",
    }
    assert {group.touched.effect for group in found.groups} == {"driver"}
    assert all("facilities" in group.touched.who for group in found.groups)
    assert (found.differing, found.not_compared) == ((TYPE.name,), ())
    same = compare(atlas(TYPE), atlas(TYPE))
    assert (same.equal, same.groups) == ((TYPE.name,), ())


def test_without_it_a_type_is_not_compared() -> None:
    found = compare(atlas(replace(TYPE, processor=None)), atlas(TYPE))
    assert [name for name, _ in found.not_compared] == [TYPE.name]

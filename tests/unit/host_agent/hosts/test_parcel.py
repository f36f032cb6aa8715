"""Facts as bytes: they come out as they went in, and nothing else comes out."""

import os
import pickle
from dataclasses import dataclass

import pytest

from host_agent.case.results import Audited, Decision, Failed
from host_agent.hosts.parcel import ParcelError, packed, unpacked
from host_agent.verify import policy
from tests.unit.host_agent.shared.cases import case


def test_a_verdict_with_all_its_evidence() -> None:
    found = case()
    audited = Audited(case=found, verdict=policy.judge(found))
    assert unpacked(packed(audited)) == audited
    failed = Failed(name="vm1", uuid="u", error="why")
    assert unpacked(packed((failed, [1, {"a": b"b"}]))) == (failed, [1, {"a": b"b"}])


@dataclass(frozen=True)
class _Stranger:
    """No fact of the package's."""

    text: str


class _Member:
    """A member of an enumeration as Python up to 3.11.3 packs it."""

    def __init__(self, kind: type, name: str) -> None:
        self._of = kind, name

    def __reduce__(self) -> tuple[object, ...]:
        return getattr, self._of


def test_members_of_enumerations_of_any_python() -> None:
    assert unpacked(pickle.dumps(_Member(Decision, "VERIFIED"))) is Decision.VERIFIED
    for kind, name in ((Decision, "mro"), (Decision, "__members__"), (Failed, "__init__")):
        with pytest.raises(ParcelError):
            unpacked(pickle.dumps(_Member(kind, name)))


class _Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return os.getpid, ()


@pytest.mark.parametrize("stranger", [_Stranger(text="a"), _Runs(), len, os.path.join])
def test_a_stranger_stays_in(stranger: object) -> None:
    with pytest.raises(ParcelError):
        unpacked(pickle.dumps(stranger))


@pytest.mark.parametrize("raw", [b"", b"nothing", packed("facts")[:-3]])
def test_what_is_no_parcel(raw: bytes) -> None:
    with pytest.raises(ParcelError):
        unpacked(raw)

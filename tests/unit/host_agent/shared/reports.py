"""Whatever a guest may report, for property tests."""

from typing import Any

from google.protobuf.message import Message
from hypothesis import strategies as st

from samemachine.v1 import guest_pb2
from tests.unit.host_agent.shared.cases import report

# Mostly what a guest might say, so that what is behind the first refusal is reached too.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["0000:00:01.0", "0000:00:02.0", "52:54:00:00:00:01", "DSDT", "a", "vda"]),
)


def scalar(field: Any) -> st.SearchStrategy[Any]:
    kinds: dict[int, st.SearchStrategy[Any]] = {
        field.TYPE_STRING: TEXTS,
        field.TYPE_BYTES: st.one_of(st.binary(max_size=40), st.just(bytes(32))),
        field.TYPE_BOOL: st.booleans(),
        field.TYPE_UINT32: st.one_of(st.integers(0, 3), st.integers(0, (1 << 32) - 1)),
        field.TYPE_UINT64: st.one_of(st.integers(0, 3), st.integers(0, (1 << 64) - 1)),
        field.TYPE_ENUM: st.integers(0, 20),
    }
    return kinds[field.type]


def messages(kind: type[Message]) -> st.SearchStrategy[Any]:
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in kind.DESCRIPTOR.fields:
        if field.message_type and field.message_type.GetOptions().map_entry:
            fields[field.name] = st.dictionaries(TEXTS, TEXTS, max_size=3)
            continue
        one = (
            messages(getattr(guest_pb2, field.message_type.name))
            if field.message_type
            else scalar(field)
        )
        many = isinstance(getattr(kind(), field.name), (str, bytes, int, Message))
        fields[field.name] = one if many else st.lists(one, max_size=3)
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: kind(**given))


REPORTS = st.one_of(messages(guest_pb2.Report), st.sampled_from([report("q35"), report("i440fx")]))

"""Flattened device trees, right and wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.device_tree import DeviceTreeError, parse, shown
from tests import device_tree_builder as build
from tests.damage import damaged

ROOT: build.Node = {
    "model": b"IBM pSeries (emulated by qemu)\0",
    "cpus": {"PowerPC,POWER9@0": {"reg": bytes(4), "ibm,pa-features": bytes(68)}},
    "chosen": {"rng-seed": bytes(32)},
}
TREE = build.tree(ROOT)
NODE = build.BEGIN + b"a\0\0\0"


def test_nodes_and_properties_are_read() -> None:
    assert parse(TREE) == {
        "/": {"model": b"IBM pSeries (emulated by qemu)\0"},
        "/cpus": {},
        "/cpus/PowerPC,POWER9@0": {"reg": bytes(4), "ibm,pa-features": bytes(68)},
        "/chosen": {"rng-seed": bytes(32)},
    }


NAMES = st.text("abc,@-0", min_size=1, max_size=20)
NODES = st.recursive(
    st.dictionaries(NAMES, st.binary(max_size=20), max_size=3),
    lambda inner: st.dictionaries(NAMES, st.binary(max_size=20) | inner, max_size=3),
    max_leaves=10,
)


@given(NODES)
def test_what_is_built_is_read(root: build.Node) -> None:
    nodes = parse(build.tree(root))
    assert dict(nodes["/"]) == {key: text for key, text in root.items() if isinstance(text, bytes)}
    assert {f"/{key}" for key, node in root.items() if not isinstance(node, bytes)} <= set(nodes)


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (b"", "does not begin"),
        (TREE[:39], "does not begin"),
        (b"\0" + TREE[1:], "does not begin"),
        (TREE[:80], "cut short"),
        (build.raw(build.LAST), "not closed"),
        (build.raw(NODE + build.LAST), "not closed"),
        (build.raw(build.END), "outside its root"),
        (build.raw(build.PROPERTY + bytes(8), b"n\0"), "outside its root"),
        (build.raw(NODE + build.PROPERTY + b"\xff" * 8), "property is cut short"),
        (build.raw(NODE + build.PROPERTY + bytes(4) + b"\xff" * 4), "name is cut short"),
        (build.raw(NODE + (5).to_bytes(4, "big")), "token 5 is none"),
        (build.raw(build.BEGIN + b"n" * 300 + b"\0"), "longer than 255"),
        (build.raw(NODE * 65), "too deep"),
        (build.raw((build.BEGIN + b"n" * 251 + b"\0") * 6), "too deep"),
        (build.raw(build.NOP * (1 << 20)), "more than 4194304"),
    ],
)
def test_what_is_no_tree_is_refused(blob: bytes, said: str) -> None:
    with pytest.raises(DeviceTreeError, match=said):
        parse(blob)


@given(st.binary(max_size=200) | damaged(TREE))
def test_no_bytes_break_it(blob: bytes) -> None:
    with contextlib.suppress(DeviceTreeError):
        assert all((node + "".join(names)).isprintable() for node, names in parse(blob).items())


DEEP = b"".join([build.BEGIN, b"n" * 15 + b"\0"]) * 63
SHORT_OF_LIMIT = (1 << 22) - 4096


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "blob",
    [
        build.raw(build.NOP * (SHORT_OF_LIMIT // 4)),
        build.raw(NODE + (build.PROPERTY + bytes(8)) * 100_000, b"n" * 2_000_000),
        build.raw(DEEP + (NODE + build.END) * 50_000),
        build.raw(DEEP + (build.PROPERTY + bytes(8)) * 50_000, b"n\0"),
        build.raw(b"\0\0\0\1" * (SHORT_OF_LIMIT // 4)),
    ],
    ids=["nothing but NOPs", "one long name", "deep nodes", "deep properties", "begin"],
)
def test_hostile_trees_are_refused_soon(blob: bytes) -> None:
    with pytest.raises(DeviceTreeError):
        parse(blob)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "set"),
        (b"qemu,pseries\0", "'qemu,pseries'"),
        (b"ibm,a\0ibm,b\0", "'ibm,a, ibm,b'"),
        (b"\0\x4e\x12\0", "<004e1200>"),
        (bytes(range(8)), "<00010203 04050607>"),
        (b"\0", "<00>"),
        (b"no end", "<6e6f 20656e64>"),
        (b"\x1b[2J\0", "<1b 5b324a00>"),
        (bytes(17), "17 bytes"),
    ],
)
def test_a_value_in_words(value: bytes, said: str) -> None:
    assert shown(value) == said

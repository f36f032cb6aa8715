"""Fingerprints in the form that is stored."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.fingerprint import (
    SMBIOS,
    Blobs,
    Fingerprint,
    FingerprintError,
    Firmware,
    decode_blobs,
    digest,
    from_form,
    to_form,
)
from host_agent.firmware.fw_cfg import File
from host_agent.printable import printable
from tests import acpi_builder, device_tree_builder, smbios_builder
from tests.fingerprint_builder import FILES, TABLES, fingerprint, tables

TREE = device_tree_builder.tree({"model": b"qemu\0"})
BARE = Fingerprint(options=())


def stored(one: Fingerprint) -> tuple[Any, Any]:
    """The form and its blobs, as JSON hands them back."""
    blobs: Blobs = {}
    form = to_form(one, blobs)
    return json.loads(json.dumps(form)), json.loads(json.dumps(blobs))


def read(form: Any, blobs: Any) -> Fingerprint:
    return from_form(form, decode_blobs(blobs))


@pytest.mark.parametrize(
    "one",
    [
        fingerprint(),
        BARE,
        fingerprint(acpi=tables(length=0), firmware=None),
        fingerprint(acpi=None, files={}),
        fingerprint(files={**FILES, SMBIOS: b""}),
        Fingerprint(options=("-machine", "pseries"), device_tree=TREE),
    ],
    ids=["whole", "nothing", "no tables", "no fw_cfg", "legacy", "device tree"],
)
def test_what_is_stored_is_read(one: Fingerprint) -> None:
    assert read(*stored(one)) == one


# Whatever is made is printable: a letter that is drawn as another one stands escaped in it.
TEXTS = st.text(st.characters(categories=["L", "N", "P"]), max_size=20).map(printable)
NUMBERS = st.integers(0, 1 << 64)


@given(
    st.builds(
        Fingerprint,
        options=st.lists(TEXTS, max_size=4).map(tuple),
        directory=st.lists(st.builds(File, name=TEXTS, size=NUMBERS, key=NUMBERS), max_size=4).map(
            tuple
        ),
        files=st.dictionaries(TEXTS, st.binary(max_size=20), max_size=4),
        memory_blocks=st.dictionaries(TEXTS, NUMBERS, max_size=4),
        firmware=st.none() | st.builds(Firmware, size=NUMBERS, sha256=TEXTS),
        acpi=st.none() | st.permutations(TABLES).map(lambda raw: tables(*raw)),
        device_tree=st.sampled_from([None, TREE]),
    )
)
def test_any_fingerprint_is_read_as_it_was_stored(one: Fingerprint) -> None:
    assert read(*stored(one)) == one


def test_the_form_names_what_is_in_the_blobs() -> None:
    form, blobs = stored(fingerprint())
    facs, dsdt, facp, _ = form["acpi"]
    assert (facs["signature"], facs["checksum"]) == ("FACS", "none")
    assert (dsdt["checksum"], dsdt["offset"], dsdt["length"]) == ("left to the firmware", 64, 40)
    assert (facp["oem_id"], facp["revision"], facp["checksum"]) == ("'BOCHS'", "1", "valid")
    assert dsdt["body_sha256"] == digest(b"code")
    assert form["files"][SMBIOS] == digest(FILES[SMBIOS])
    assert all(entry["sha256"] in blobs for entry in form["acpi"])


def test_a_fingerprint_names_the_machine() -> None:
    named = fingerprint().named
    assert named is not None
    assert (named.version, named.source) == ("pc-i440fx-7.2", "QEMU, probed")
    assert BARE.named is None


@pytest.mark.parametrize(
    ("blobs", "said"),
    [
        ([], "no object"),
        (None, "no object"),
        ({"ab" * 32: "AAAA"}, "the blob abababababababab is damaged"),
        ({digest(b"\0\0\0"): "AAAB"}, "damaged"),
        ({digest(b"\0\0\0"): "AAA"}, "no base64"),
        ({digest(b"\0\0\0"): "AA\nAA"}, "no base64"),
        ({digest(b"\0\0\0"): "\u00e4AAA"}, "no base64"),
        ({digest(b"\0\0\0"): 5}, "no base64"),
        ({digest(b"\0\0\0"): ["AAAA"]}, "no base64"),
        ({"\x1b[2J": None}, r"the blob \\x1b\[2J is no base64"),
    ],
)
def test_damaged_blobs_are_refused(blobs: Any, said: str) -> None:
    with pytest.raises(FingerprintError, match=said):
        decode_blobs(blobs)


SYSTEMLESS = smbios_builder.structure(127, 1, b"")
OTHERS = {
    digest(blob): blob
    for blob in (
        b"",
        b"noise",
        b"?noise",
        SYSTEMLESS,
        TREE[:-1],
        acpi_builder.facs(),
        bytes(300_000),
    )
}
FORM, BLOBS = stored(fingerprint(device_tree=TREE))
WHOLE = decode_blobs(BLOBS) | OTHERS
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]
WRONG: list[Any] = [None, True, 5, -1, 1.5, "x", [], [5], {}, {"x": 5}, [None], [[]], [{}], DEEP]


def is_right(key: str, value: Any) -> bool:
    """Whether a value is one that a form may have there."""
    right: dict[str, list[Any]] = {
        "options": [[]], "directory": [[]], "acpi": [[]], "files": [{}],
        "memory_blocks": [{}, {"x": 5}],
    }  # fmt: skip
    return value in right.get(key, []) or (
        value is None and key in {"firmware", "device_tree", "acpi_length"}
    )


@pytest.mark.parametrize("key", FORM)
def test_wrong_types_are_refused(key: str) -> None:
    for value in WRONG:
        if value is not DEEP and is_right(key, value):
            continue
        with pytest.raises(FingerprintError):
            from_form({**FORM, key: value}, WHOLE)


def test_a_form_of_another_type_is_refused() -> None:
    for value in WRONG:
        with pytest.raises(FingerprintError):
            from_form(value, WHOLE)


@pytest.mark.parametrize("key", FORM)
def test_a_part_that_is_missing_is_named(key: str) -> None:
    with pytest.raises(FingerprintError, match=key):
        from_form({name: part for name, part in FORM.items() if name != key}, WHOLE)


def test_what_nobody_knows_is_ignored() -> None:
    assert from_form({**FORM, "future": DEEP}, WHOLE) == from_form(FORM, WHOLE)


def acpi_at(offset: int, blob: bytes) -> list[dict[str, Any]]:
    return [{"offset": offset, "sha256": digest(blob)}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": {SMBIOS: digest(b"noise")}}, "at offset 0 is broken"),
        ({"files": {SMBIOS: digest(SYSTEMLESS)}}, "no system structure"),
        ({"files": {SMBIOS: digest(bytes(300_000))}}, "more than 262144"),
        ({"files": {"x": digest(b"unknown")}}, "missing"),
        ({"device_tree": digest(b"noise")}, "does not begin as a device tree"),
        ({"device_tree": digest(TREE[:-1])}, "name is cut short"),
        ({"acpi": acpi_at(1, b"?noise")}, "no table at offset 1"),
        ({"acpi": acpi_at(1, b"")}, "do not lie where it says"),
        ({"acpi": acpi_at(1000, acpi_builder.facs())}, "do not fit into 1024 bytes"),
        ({"acpi": acpi_at(1 << 80, acpi_builder.facs())}, "do not fit into 1024 bytes"),
        ({"acpi": acpi_at(0, acpi_builder.facs()) * 2}, "do not lie where it says"),
        ({"acpi": acpi_at(0, bytes(300_000)) * 100_000}, "do not fit into 1024 bytes"),
        ({"acpi_length": 1 << 40}, "ACPI tables of 1099511627776 bytes are none"),
    ],
)
def test_what_the_blobs_can_not_be_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(FingerprintError, match=said):
        from_form(FORM | change, WHOLE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from([*WHOLE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*FORM, "offset", "sha256", "name", "size", "key"]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON, st.dictionaries(st.sampled_from([*FORM]), JSON), JSON)
def test_no_form_breaks_it(form: Any, parts: dict[str, Any], blobs: Any) -> None:
    for one in (form, FORM | parts):
        with contextlib.suppress(FingerprintError):
            from_form(one, WHOLE)
    with contextlib.suppress(FingerprintError):
        decode_blobs(blobs)

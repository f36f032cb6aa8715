"""The monitor's list of memory blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.qemu.memory_blocks import MAX_BLOCKS, parse

TITLE = (
    "              Block Name    PSize              Offset               Used              Total"
)
OLD = f"""{TITLE}\r
                  pc.ram    4 KiB  0x0000000000000000 0x0000000020000000 0x0000000020000000\r
    /rom@etc/acpi/tables    4 KiB  0x0000000021340000 0x0000000000020000 0x0000000000200000\r
  0000:00:03.0/e1000.rom    4 KiB  0x00000000212c0000 0x0000000000040000 0x0000000000040000\r
"""
NEW = f"""{TITLE}                HVA  RO
                 pc.bios    4 KiB  0x0000000020010000 0x0000000000040000 0x0000000000040000 \
0x00007f8b5c000000  ro
       a name with space    2 MiB  0x0000000020050000 0x0000000000000000 0x0000000000001000 \
0x00007f8b5c000000  rw
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (OLD, {"pc.ram": 0x20000000, "/rom@etc/acpi/tables": 0x200000,
               "0000:00:03.0/e1000.rom": 0x40000}),
        (NEW, {"pc.bios": 0x40000, "a name with space": 0x1000}),
        (TITLE, {}),
        ("", {}),
        ("unknown command: 'info ramblock'\n", {}),
        (NEW.replace("pc.bios", "\x1b[2J"), {r"\x1b[2J": 0x40000, "a name with space": 0x1000}),
    ],
)  # fmt: skip
def test_names_and_largest_sizes(text: str, found: dict[str, int]) -> None:
    assert parse(text) == found


@given(
    st.text()
    | st.tuples(st.text(), st.integers(0, 400)).map(
        lambda edit: NEW[: edit[1]] + edit[0] + NEW[edit[1] :]
    )
)
def test_no_text_breaks_it(text: str) -> None:
    assert all(name.isprintable() for name in parse(text))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 1_000_000,
        ("a" + " " * 500 + "\n") * 1000,
        "a 4 KiB 0x0 0x0 0x" + "f" * 1_000_000,
    ],
    ids=["one long line", "many lines of blanks", "a long number"],
)
def test_hostile_lists_are_read_soon(text: str) -> None:
    assert parse(text) == {}


def test_there_are_no_more_blocks_than_a_machine_has() -> None:
    line = "{} 4 KiB 0x0 0x0 0x1\n"
    assert len(parse("".join(line.format(number) for number in range(2000)))) == MAX_BLOCKS

"""A disk's partitions, by its first bytes."""

from uuid import UUID

import pytest

from host_agent.evidence.partitions import SystemPartitions, of_head, system_partitions
from tests.gpt_disks import head

ONE, TWO = UUID("11111111-2222-3333-4444-555555555555"), UUID(int=2)


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("size", [128, 256])
def test_a_table(sector: int, size: int) -> None:
    assert of_head(head(ONE, TWO, sector=sector, size=size)) == frozenset({ONE, TWO})
    assert of_head(head(sector=sector)) == frozenset()


@pytest.mark.parametrize("disk", [b"", bytes(1 << 20), b"x" * 5000])
def test_no_table(disk: bytes) -> None:
    assert of_head(disk) == frozenset()


@pytest.mark.parametrize(
    "disk",
    [
        head(ONE)[:600],
        head(ONE)[:4000],
        head(ONE).replace(ONE.bytes_le, TWO.bytes_le),
        head(ONE, count=1 << 11),
        head(ONE, size=96),
        head(ONE)[:584] + b"\xff" * 8 + head(ONE)[592:],
    ],
)
def test_a_table_that_is_damaged(disk: bytes) -> None:
    assert of_head(disk) is None


@pytest.mark.parametrize("sector", [512, 4096])
def test_where_the_system_partition_is(sector: int) -> None:
    found = system_partitions(head(ONE, sector=sector))
    area = (2048 * sector, 2048 * sector)
    assert found == SystemPartitions(size=8192 * sector, areas=(area,))


def test_a_system_partition_right_behind_the_table() -> None:
    found = system_partitions(head(ONE, begin=34, end=4095))
    assert found == SystemPartitions(size=8192 * 512, areas=((34 * 512, 4062 * 512),))


@pytest.mark.parametrize(
    "disk",
    [
        b"",
        head(),
        head(ONE)[:4000],
        head(ONE, kind=UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")),
        head(ONE, begin=4096),
        head(ONE, begin=0),
        head(ONE, begin=33),
        head(ONE, first=0, begin=0),
        head(ONE, first=0, begin=1),
        head(ONE, end=8192),
    ],
)
def test_no_system_partition(disk: bytes) -> None:
    assert system_partitions(disk) is None

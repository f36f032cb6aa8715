"""Which domains an operator means."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest

from host_agent.errors import LibvirtError, UsageError
from host_agent.hypervisor.selection import chosen

if TYPE_CHECKING:
    from host_agent.hypervisor import Domain

NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"


@dataclass
class Listed:
    """What is asked of a domain."""

    name: str
    uuid: UUID
    title: str = ""
    broken: bool = False
    own_title: str = ""
    number: int | None = None

    def id(self) -> int | None:
        return self.number

    def xml(self, *, inactive: bool) -> str:
        if self.broken:
            raise LibvirtError("the domain is gone")
        metadata = f"<n:i xmlns:n='{NOVA}'><n:name>{self.title}</n:name></n:i>"
        return (
            f"<domain><name>{self.name}</name><uuid>{self.uuid}</uuid>"
            f"<title>{self.own_title}</title>"
            f"<metadata>{metadata if self.title else ''}</metadata></domain>"
        )


LISTED = [
    Listed("instance-1", UUID(int=1), "web"),
    Listed("instance-2", UUID(int=2), "web"),
    Listed("instance-3", UUID(int=0xABC3), "build  runner"),
    Listed("instance-4", UUID(int=4), "instance-1"),
    Listed("gone", UUID(int=5), broken=True),
    Listed("odd\x1b[2J", UUID(int=6)),
    Listed("instance-7", UUID(int=7), "mail", own_title="mail"),
    Listed("instance-8", UUID(int=8), own_title="the printer's", number=12),
    Listed("12", UUID(int=9), number=3),
    Listed("44", UUID(int=10)),
]


def pick(*names: str) -> list[str]:
    return [domain.name for domain in chosen(cast("list[Domain]", LISTED), names, "test:///x")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), [one.name for one in LISTED]),
        (("instance-2",), ["instance-2"]),
        (("build runner",), ["instance-3"]),
        (("  build runner ",), ["instance-3"]),
        ((str(UUID(int=0xABC3)).upper(),), ["instance-3"]),
        (("gone",), ["gone"]),
        (("mail",), ["instance-7"]),
        (("the printer's",), ["instance-8"]),
        # A number is a running domain's, as virsh has it, else a name.
        (("12",), ["instance-8"]),
        (("3",), ["12"]),
        (("44",), ["44"]),
        # libvirt's own name is meant before another domain's display name.
        (("instance-1",), ["instance-1"]),
        (("instance-3", "build runner", "gone", "instance-3"), ["instance-3", "gone"]),
    ],
)
def test_by_name_display_name_or_uuid(names: tuple[str, ...], expected: list[str]) -> None:
    assert pick(*names) == expected


def test_a_display_name_of_two_is_refused_with_their_uuids() -> None:
    with pytest.raises(UsageError) as error:
        pick("web")
    assert str(error.value) == (
        "test:///x has 2 domains with the title 'web'; say which: "
        f"{UUID(int=1)} (instance-1), {UUID(int=2)} (instance-2)"
    )


@pytest.mark.parametrize("name", ["nobody", str(UUID(int=99)), "", "no\x1b[2Jne"])
def test_a_name_of_nobody(name: str) -> None:
    with pytest.raises(UsageError, match="has no domain") as error:
        pick(name)
    assert str(error.value).isprintable()
    assert "there are: instance-1, instance-2" in str(error.value)

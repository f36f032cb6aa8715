"""Our inventory, in TOML, and which of an inventory's hosts are meant."""

import pytest

from host_agent.errors import UsageError
from host_agent.hosts import inventory
from host_agent.hosts.target import Target

TEXT = """
timeout = 20
[hosts.node1]
uri = "qemu+ssh://root@node1/system"
groups = ["rack1", "old"]
[hosts.node2]
uri = "qemu+tls://node2/system"
groups = ["rack1"]
timeout = 5.5
[hosts."node3.example.org"]
uri = "qemu+ssh://root@node1/system"
"""


def names(*groups: str) -> list[str]:
    return [one.name for one in inventory.chosen(inventory.of_toml(TEXT, "f"), groups, "f")]


def test_hosts_have_a_connection_groups_and_a_time() -> None:
    assert inventory.of_toml(TEXT, "f")[1] == Target(
        name="node2", uri="qemu+tls://node2/system", groups=frozenset({"rack1"}), seconds=5.5
    )
    assert inventory.of_toml(TEXT, "f")[0].seconds == 20


def test_hosts_are_chosen_by_group_and_name_and_asked_once() -> None:
    assert names() == ["node1", "node2"]
    assert names("rack1") == ["node1", "node2"]
    assert names("old", "node2") == ["node1", "node2"]
    assert names("node3.example.org") == ["node3.example.org"]
    with pytest.raises(UsageError, match="no group and no host 'rak1'; did you mean rack1"):
        names("rak1")
    with pytest.raises(UsageError, match="f has no hosts"):
        inventory.chosen((), (), "f")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hosts", "f is no TOML"),
        ("host = 1", "unknown key 'host'; known are: hosts, timeout"),
        ("hosts = 1", "hosts are tables"),
        ("[hosts]\nnode1 = 'qemu:///system'", "hosts.node1 is a table with a uri"),
        ("[hosts.node1]", "hosts.node1 needs a uri"),
        ("[hosts.node1]\nuri = ''", "hosts.node1 needs a uri"),
        ("[hosts.node1]\nuri = 'a:b'\nuser = 'root'", "hosts.node1: unknown key 'user'"),
        ("[hosts.node1]\nuri = 'a:b'\ngroups = 'old'", "groups is a list of texts"),
        ("timeout = 0", "timeout is a number from 0.1 to 86400"),
        ("timeout = true", "timeout is a number"),
        ("[hosts.node1]\nuri = 'a:b'\ntimeout = nan", "hosts.node1: timeout is a number"),
    ],
)
def test_what_is_none(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        inventory.of_toml(text, "f")

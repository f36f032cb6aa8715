"""What ``ansible-inventory --list`` prints, and the connection that a host's variables name."""

import json

import pytest

from host_agent.errors import UsageError
from host_agent.hosts import ansible, ansible_connection

# What ansible-core 2.x prints, without what is no connection's.
LIST = {
    "_meta": {
        "hostvars": {
            "lonely.example.org": {"ansible_host": "192.0.2.9", "ansible_user": "nobody"},
            "node01": {"ansible_user": "root", "samemachine_timeout": 7},
            "node02": {"ansible_port": 2222, "ansible_user": "root", "samemachine_timeout": 7},
            "node03": {"ansible_user": "root", "samemachine_timeout": 7},
            "2001:db8::1": {"ansible_port": 2200, "ansible_user": "root"},
            "legacy": {"ansible_connection": "local", "ansible_user": "admin"},
            "other": {"ansible_user": "admin", "samemachine_uri": "xen:///system"},
        }
    },
    "all": {"children": ["ungrouped", "site"]},
    "ungrouped": {"hosts": ["lonely.example.org"]},
    "site": {"children": ["kvm", "old"]},
    "kvm": {"hosts": ["node01", "node02", "node03", "2001:db8::1"]},
    "old": {"hosts": ["legacy", "other"]},
}

EXPECTED = {
    "lonely.example.org": ("qemu+ssh://nobody@192.0.2.9/system", {"ungrouped"}, None),
    "node01": ("qemu+ssh://root@node01/system", {"kvm", "site"}, 7),
    "node02": ("qemu+ssh://root@node02:2222/system", {"kvm", "site"}, 7),
    "node03": ("qemu+ssh://root@node03/system", {"kvm", "site"}, 7),
    "2001:db8::1": ("qemu+ssh://root@[2001:db8::1]:2200/system", {"kvm", "site"}, None),
    "legacy": ("qemu:///system", {"old", "site"}, None),
    "other": ("xen:///system", {"old", "site"}, None),
}


def test_hosts_groups_and_connections() -> None:
    found = ansible.targets(LIST, "f")
    assert {one.name: (one.uri, set(one.groups), one.seconds) for one in found} == EXPECTED


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (LIST, True),
        ({}, False),
        ({"a": ["n1"]}, True),
        ({"a": {"hosts": {"n1": {}}}}, False),
        ([], False),
    ],
)
def test_what_was_printed_is_told_from_a_tree(document: object, told: bool) -> None:
    assert ansible.is_list(document) is told


@pytest.mark.parametrize(
    ("variables", "uri"),
    [
        ({}, "qemu+ssh://node1/system"),
        ({"ansible_ssh_host": "a", "ansible_host": "b"}, "qemu+ssh://a/system"),
        ({"ansible_connection": "ansible.builtin.local"}, "qemu:///system"),
        (
            {"ansible_host": "{{ inventory_hostname }}.example.org", "inventory_hostname": "n"},
            "qemu+ssh://n.example.org/system",
        ),
        (
            {"samemachine_uri": "qemu+tls://{{a}}/system", "a": "{{ b }}", "b": 7},
            "qemu+tls://7/system",
        ),
        ({"ansible_ssh_user": "a"}, "qemu+ssh://a@node1/system"),
        ({"ansible_user": "a@b/c"}, "qemu+ssh://a%40b%2Fc@node1/system"),
        ({"ansible_port": "0022"}, "qemu+ssh://node1:22/system"),
        (
            {"ansible_ssh_private_key_file": "/k/a&b"},
            "qemu+ssh://node1/system?keyfile=/k/a%26b",
        ),
        ({"ansible_host": None}, "qemu+ssh://node1/system"),
    ],
)
def test_the_connection_of_variables(variables: dict[str, object], uri: str) -> None:
    assert ansible_connection.target("node1", variables, set(), "f").uri == uri


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ansible_host": "{{ address | upper }}"}, "f: node1: ansible_host is a template"),
        ({"ansible_host": "{{ address }}"}, "and address is not set"),
        ({"ansible_host": "{{ a }}", "a": "{{ a }}{{ a }}"}, "is a template"),
        ({"ansible_host": []}, "ansible_host is neither a text nor a number"),
        ({"ansible_port": True}, "ansible_port is neither a text nor a number"),
        ({"ansible_host": "-oProxyCommand=x"}, "is no host name; set samemachine_uri"),
        ({"ansible_host": "a/b"}, "is no host name"),
        ({"ansible_port": "99999"}, "'99999' is no port"),
        ({"ansible_port": "x"}, "'x' is no port"),
        ({"samemachine_timeout": "soon"}, "samemachine_timeout is a number"),
        ({"samemachine_timeout": 0}, "samemachine_timeout is a number"),
    ],
)
def test_variables_that_are_none(variables: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        ansible_connection.target("node1", variables, set(), "f")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"a": 1}',
        '{"a": {"hosts": {}}}',
        '{"a": {"hosts": [1]}}',
        '{"_meta": {"hostvars": [1]}}',
    ],
)
def test_a_list_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        ansible.targets(json.loads(text), "f")


def test_a_list_of_no_hosts() -> None:
    assert ansible.targets({}, "f") == ()


def test_an_unsafe_text_is_a_text() -> None:
    hosts = {"n1": {"ansible_user": {"__ansible_unsafe": "root"}}}
    (found,) = ansible.targets({"_meta": {"hostvars": hosts}}, "f")
    assert found.uri == "qemu+ssh://root@n1/system"

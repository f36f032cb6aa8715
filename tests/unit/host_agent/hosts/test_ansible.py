"""Ansible's inventories: the same hosts in INI, in YAML and as ``ansible-inventory --list``."""

import json

import pytest

from host_agent.errors import UsageError
from host_agent.hosts import (
    ansible,
    ansible_connection,
    ansible_ini,
    ansible_names,
    ansible_tree,
    ansible_yaml,
)

# As in Ansible's documentation: a child's variable goes before its parent's, a host's before both.
INI = """
# first those of no group
lonely.example.org ansible_host=192.0.2.9  # its address
[kvm]
node[01:03] samemachine_timeout=7
node02 ansible_port=2222
[2001:db8::1]:2200
[old]
legacy ansible_connection=local
other samemachine_uri="xen:///system"
[site:children]
kvm
old
[site:vars]
ansible_user=admin
region = "north 1"
[kvm:vars]
ansible_user=root
[all:vars]
ansible_user=nobody
"""

YAML = """
all:
  vars: {ansible_user: nobody}
  children:
    ungrouped:
      hosts:
        lonely.example.org: {ansible_host: 192.0.2.9}
    site:
      vars:
        ansible_user: admin
        secret: !vault |
          $ANSIBLE_VAULT;1.1;AES256
      children:
        kvm:
          vars: {ansible_user: root}
          hosts:
            node[01:03]: {samemachine_timeout: 7}
            node02: {ansible_port: 2222}
            "2001:db8::1": {ansible_port: 2200}
        old:
          hosts:
            legacy: {ansible_connection: local}
            other: {samemachine_uri: "xen:///system"}
"""

# What ansible-core 2.x prints for INI, without what is no connection's.
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


def tree(text: str) -> ansible.Parsed:
    return ansible_tree.read(ansible_yaml.document(text, "f"), "f")


@pytest.mark.parametrize("form", ["ini", "yaml", "list"])
def test_all_forms_come_to_the_same(form: str) -> None:
    found = {
        "ini": lambda: ansible.targets(ansible_ini.parse(INI, "f"), "f"),
        "yaml": lambda: ansible.targets(tree(YAML), "f"),
        "list": lambda: ansible.of_list(LIST, "f"),
    }[form]()
    assert {one.name: (one.uri, set(one.groups), one.seconds) for one in found} == EXPECTED


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
    ("pattern", "names"),
    [
        ("node", ["node"]),
        ("n[1:3]", ["n1", "n2", "n3"]),
        ("n[08:10]x", ["n08x", "n09x", "n10x"]),
        ("n[1:5:2]", ["n1", "n3", "n5"]),
        ("r[a:b]n[1:2]", ["ran1", "ran2", "rbn1", "rbn2"]),
    ],
)
def test_ranges(pattern: str, names: list[str]) -> None:
    assert ansible_names.expanded(pattern, "f") == names


@pytest.mark.parametrize("pattern", ["n[3:1]", "n[a:3]", "n[1:2:0]", "n[0:9999999]", "[0:999]" * 3])
def test_what_is_no_range(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"is no range|are more than"):
        ansible_names.expanded(pattern, "f")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[a:hosts:b]", "f, line 1: '.*' is no variable|no host name"),
        ("[a:other]", "neither children nor vars"),
        ("[a:vars]\nb", "f, line 2: a variable is meant"),
        ("node1 what", "f, line 1: 'what' is no variable"),
        ("node1 a='b", "f, line 1: no closing quotation"),
        ("[a:children]\nb\n[b:children]\na", "is its own child"),
    ],
)
def test_ini_that_is_none(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        ansible.targets(ansible_ini.parse(text, "f"), "f")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "f is no YAML"),
        ("- a", "no inventory of Ansible's looks like that"),
        ("all: {hosts: [a]}", "no inventory of Ansible's looks like that"),
        ("&a a: {children: {b: &b {children: *b}}}", "nested too deep|is no YAML"),
        # Each name stands for ten of the one before.
        (
            "x: {vars: {a: &a {k: 1}}}\n"
            + "\n".join(
                f"g{n}: &g{n} {{children: {{"
                + ", ".join(f"c{n}x{m}: *g{n - 1}" for m in range(10) if n)
                + "}}"
                for n in range(9)
            ),
            "has more than 1000000 values",
        ),
    ],
)
def test_yaml_that_is_none(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        tree(text)


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": {"hosts": {}}}', '{"a": {"hosts": [1]}}'])
def test_a_list_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        ansible.of_list(json.loads(text), "f")
    assert ansible.of_list({}, "f") == ()

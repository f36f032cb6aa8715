"""Inventories as ansible-core reads them, and as we do: hosts, groups, connections.

What ``ansible-inventory --list`` prints must be what we read from the file itself; whom Ansible
calls ssh for must be whom libvirt's connection names.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from host_agent.hosts import inventory_file
from host_agent.hosts.target import Target
from tests.lab import ansible_core, needed
from tests.lab.ansible_core import Ansible

_INI = """
first.example.org:2201 ansible_port=2202 note='# no comment'   # a comment
late
[kvm]
node[01:03] samemachine_timeout=7
node02 ansible_port=0x10
[2001:db8::1]:2200
[edge]
e[a:c:2]x[:2] ansible_host="{{ inventory_hostname }}.example.org"
legacy:22 ansible_connection=local
late
[never]
node03 ansible_user='"quoted user"'
node03 ansible_ssh_user=other
[site:children]
kvm
edge
[rack:children]
never
site
[rack:vars]
ansible_user = "in all racks" # and a comment
ansible_private_key_file=/keys/rack
[site:vars]
ansible_user=siter
region=north
samemachine_timeout = 11
[edge:vars]
ansible_ssh_private_key_file=/keys/edge key
samemachine_uri=qemu+tls://{{ tls_name }}/system?who={{ region }}
tls_name = {{ inventory_hostname }}.tls
[kvm:vars]
ansible_group_priority=3
samemachine_timeout = 13
[all:vars]
ansible_user=nobody
ansible_port=2022
"""
_YAML = """
all:
  vars: {ansible_user: nobody, ansible_port: 2022}
  hosts:
    first.example.org:2201: {ansible_port: 2202}
  children:
    b:
      vars: {ansible_user: b, samemachine_timeout: 5}
      hosts:
        shared: {ansible_host: from-b}
        "node[1:2]":
    a:
      vars: {ansible_user: a, ansible_group_priority: 5, secret: !vault "x", raw: !unsafe "{{ x }}"}
      hosts:
        shared: {ansible_host: from-a}
        alone:
          ansible_ssh_port: "2299"
      children:
        deep: {children: {deeper: {hosts: shared, vars: {ansible_ssh_user: deepest}}}}
    last: {hosts: {node1: {ansible_host: 192.0.2.7}}}
"""
_TREE = {
    "kvm": {"hosts": {"n1": {"ansible_user": "x"}}, "children": {"sub": {"hosts": {"n2": None}}}}
}

# Files of an inventory → what is read; the first is the inventory.
CASES: Mapping[str, Mapping[str, str]] = {
    "ini": {"hosts": _INI},
    "yaml": {"hosts.yml": _YAML},
    "yaml without an ending": {"hosts": _YAML},
    "json": {"hosts.json": json.dumps(_TREE)},
    "files beside it": {
        "hosts.ini": _INI,
        "group_vars/all.yml": "ansible_user: of-all\nansible_port: 2300\n",
        "group_vars/all.json": "no JSON, and not read",
        "group_vars/kvm/10-first.yaml": "samemachine_uri: qemu+tls://{{ where }}/system\n",
        "group_vars/kvm/20-second": "---\nwhere: \"{{ inventory_hostname }}.kvm\"\n",
        "group_vars/kvm/deep/30.json": '{"samemachine_timeout": 21}',
        "group_vars/kvm/.hidden.yml": "where: hidden\n",
        "group_vars/kvm/old.yml~": "where: old\n",
        "group_vars/kvm/other.txt": "where: text\n",
        "group_vars/site.yaml": "ansible_user: of-site\n",
        "group_vars/ungrouped.yml": "ansible_user: of-none\n",
        "group_vars/nobody.yml": "- this is read by nobody\n",
        "host_vars/node02.yml": "samemachine_uri: qemu+ssh://root@{{ ansible_host }}/system\n"
        "ansible_host: 192.0.2.2\n",
        "host_vars/node03": "samemachine_timeout: 31\n",
        "host_vars/legacy.yml": "ansible_connection: ssh\nsamemachine_uri:\n",
    },
}  # fmt: skip
# Tells whom it was to reach, and reaches nobody.
_SSH = """#!/bin/sh
{
    for word; do printf '%s\\037' "$word"; done
    echo
} >>"$SAMEMACHINE_SEEN"
exit 255
"""


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Ansible:
    with needed.shown(request):
        ansible_core.folder()
    place = tmp_path_factory.mktemp("inventories")
    (place / "ansible.cfg").touch()
    return Ansible(place=place)


@pytest.fixture(params=CASES)
def inventory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    files = CASES[request.param]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / next(iter(files))


def ours(file: Path) -> dict[str, Target]:
    return {one.name: one for one in inventory_file.every(str(file))}


def test_what_ansible_lists_is_what_we_read(ansible: Ansible, inventory: Path) -> None:
    listed = inventory.with_name("listed")
    listed.write_text(ansible.run("inventory", "-i", inventory, "--list").stdout, encoding="utf-8")
    assert ours(inventory) == ours(listed)


def test_whom_ansible_reaches_is_whom_we_reach(ansible: Ansible, inventory: Path) -> None:
    ssh, seen = inventory.with_name("ssh"), inventory.with_name("seen")
    ssh.write_text(_SSH, encoding="utf-8")
    ssh.chmod(0o755)
    told = Ansible(
        place=ansible.place,
        variables={
            "ANSIBLE_SSH_EXECUTABLE": str(ssh),
            "ANSIBLE_SSH_ARGS": "",
            "SAMEMACHINE_SEEN": str(seen),
        },
    )
    everyone = ("-i", str(inventory), "all")
    told.run("", *everyone, "-c", "ssh", "-m", "raw", "-a", "true", check=False)
    reached = {where(line.split("\037")) for line in seen.read_text("utf-8").splitlines()}
    tree = inventory.with_name("tree")
    words = ("-c", "local", "-m", "debug", "--tree", str(tree))
    told.run("", *everyone, *words, "-a", "msg={{ [samemachine_uri | default(none)] }}")
    read = ours(inventory)
    assert set(read) == {file.name for file in tree.iterdir()}
    by_ssh = set()
    for name, one in read.items():
        (uri,) = json.loads((tree / name).read_text(encoding="utf-8"))["msg"]
        if uri:
            assert one.uri == uri
        elif one.uri != "qemu:///system":
            by_ssh.add(in_uri(one.uri))
    assert by_ssh <= reached
    assert by_ssh


Reached = tuple[str, str | None, int | None, str | None]


def where(words: list[str]) -> Reached:
    """Whom ssh was to reach: host, user, port, key."""
    options = dict(
        re.findall(r"^(User|Port|IdentityFile)=\"?(.*?)\"?$", "\n".join(words), re.MULTILINE)
    )
    # The host stands before the command, behind all options.
    host = next(word for word in reversed(words[:-2]) if word and not word.startswith("-"))
    port = options.get("Port")
    return host, options.get("User"), int(port) if port else None, options.get("IdentityFile")


def in_uri(uri: str) -> Reached:
    parts = urlsplit(uri)
    (key,) = parse_qs(parts.query).get("keyfile", [None])
    return parts.hostname or "", parts.username, parts.port, key

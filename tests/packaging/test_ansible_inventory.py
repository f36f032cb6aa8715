"""Inventories of Ansible's, read by ansible-core for us: whom it calls ssh for is whom we reach."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from host_agent.errors import UsageError
from host_agent.hosts import inventory_file
from host_agent.hosts.target import Target
from tests import shown
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

_PROGRAM = f"#!/bin/sh\ncat <<'END'\n{json.dumps({'kvm': {'hosts': ['n1', 'n2']}})}\nEND\n"

# Files of an inventory → what is read; the first is the inventory.
CASES: Mapping[str, Mapping[str, str]] = {
    "ini": {"hosts": _INI},
    "yaml": {"hosts.yml": _YAML},
    "yaml without an ending": {"hosts": _YAML},
    "json": {"hosts.json": json.dumps(_TREE)},
    "a program": {"hosts.sh": _PROGRAM},
    "a folder": {
        ".": "",
        "hosts.ini": "[kvm]\nn1\n",
        "more.yml": "kvm: {hosts: {n2: {ansible_port: 2201}}}\n",
        "group_vars/kvm.yml": "ansible_user: of-kvm\n",
    },
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
# Tells whom it was to reach, and reaches nobody. Several do so at once: a line is written at once.
_SSH = """#!/bin/sh
between=$(printf '\\037')
line=
for word; do line="$line$word$between"; done
printf '%s\\n' "$line" >>"$SAMEMACHINE_SEEN"
exit 255
"""


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Ansible:
    with needed.shown(request):
        ansible_core.folder()
    place = tmp_path_factory.mktemp("inventories")
    (place / "ansible.cfg").touch()
    return Ansible(place=place)


@pytest.fixture(params=shown.rows(CASES, {"ini", "a folder"}, "ansible"))
def inventory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    files, folder = CASES[request.param], tmp_path / "inventory"
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if text:
            file.write_text(text, encoding="utf-8")
            file.chmod(0o755 if text.startswith("#!") else 0o644)
    return folder / next(iter(files))


@pytest.fixture(autouse=True)
def _on_the_path(ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ansible-inventory a command, as it is for those who have Ansible."""
    command = tmp_path / "bin/ansible-inventory"
    command.parent.mkdir()
    command.write_text(ansible.script("inventory"), encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)


def ours(file: Path) -> dict[str, Target]:
    return {one.name: one for one in inventory_file.every(str(file))}


def test_the_groups_are_ansibles(inventory: Path) -> None:
    read = ours(inventory)
    assert read
    assert all(one.groups and "all" not in one.groups for one in read.values())


def test_what_is_no_inventory(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yml"
    file.write_text("- a\n- b\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"hosts\.yml: ansible-inventory says: "):
        inventory_file.every(str(file))


def test_whom_ansible_reaches_is_whom_we_reach(
    ansible: Ansible, inventory: Path, tmp_path: Path
) -> None:
    ssh, seen = tmp_path / "ssh", tmp_path / "seen"
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
    tree = tmp_path / "tree"
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

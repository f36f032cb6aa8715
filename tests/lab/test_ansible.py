"""Our Ansible collection, run by ansible-core over ssh on two hosts with real domains."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab import archive, images, needed, pace
from tests.lab.ansible_core import Ansible
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_upgrade import OLD, bare_xml, machines, uuid
from tests.packaging import debs

pytestmark = pytest.mark.long("ansible")

NEWEST = {"hostg": "pc-i440fx-7.2", "hosth": "pc-i440fx-10.0"}
_IMAGES = {"hostg": images.BOOKWORM, "hosth": images.TRIXIE}
_LIE = "<sysinfo type='smbios'><system><entry name='version'>pc-q35-9.2</entry></system></sysinfo>"
_SSH = """
cd /
export DEBIAN_FRONTEND=noninteractive
# It is this machine's, where the release's own Python is not used.
! mountpoint -q /usr/share/distro-info || umount /usr/share/distro-info
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:{archive} ./' >/etc/apt/sources.list.d/lab.list
apt-get -qq update
apt-get -qq --yes --no-install-recommends install openssh-server python3-apt </dev/null >&2
mkdir -p -m 700 /root/.ssh /run/sshd
cat >/root/.ssh/authorized_keys
"""
_SSHD = "/usr/sbin/sshd", "-D", "-e", "-o", "UsePAM=no"
# The files of one host, an archive for the other one; both are hosts, and might be guests.
_PLAY = """
- hosts: all
  gather_facts: false
  vars:
    samemachine_host_toml: "{toml}"
    samemachine_guest_conf: "[guest]\\nidle-seconds = 5.0\\n"
    samemachine_daemon: true
  roles:
    - samemachine.samemachine.install
  tasks:
    - ansible.builtin.include_role:
        name: samemachine.samemachine.install
        tasks_from: guest
"""


@pytest.fixture(scope="module")
def hosts(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Mapping[str, Host]]:
    """Two hosts with a domain that is right, one that lies, and one of an old machine type."""
    with needed.shown(request):
        found = {name: lab.host(name) for name in _IMAGES}
    for host in found.values():
        for name in ("steady", "liar", "old"):
            machine = OLD if name == "old" else NEWEST[host.name]
            xml = bare_xml(name, machine).replace(uuid(name), uuid(f"{name}-{host.name}"))
            if name == "liar":
                xml = xml.replace("<os>", f"{_LIE}<os><smbios mode='sysinfo'/>")
            host.run("virsh", "define", "/dev/stdin", text_input=xml)
            host.virsh("start", name)
        # Its firmware has run.
        for name in ("steady", "liar"):
            host.samemachine("verify", name, "--wait", pace.words(20))
    yield found
    for host in found.values():
        for name in ("steady", "liar", "old"):
            host.virsh("destroy", name)


@pytest.fixture(scope="module")
def ansible(
    hosts: Mapping[str, Host], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ansible]:
    """The controller: it stands in the network of the first host, and reaches both by ssh."""
    place = tmp_path_factory.mktemp("a")
    key = place / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    servers: list[subprocess.Popen[str]] = []
    logs: list[Path] = []
    for host in hosts.values():
        packages = f"/lab/cache/{archive.folder(_IMAGES[host.name]).name}"
        script = _SSH.format(archive=packages)
        host.run("sh", "-eu", "-c", script, text_input=key.with_suffix(".pub").read_text())
        # Not a pipe: sshd waits where nobody reads what it logs.
        logs.append(place / f"{host.name}.log")
        with logs[-1].open("w", encoding="utf-8") as log:
            servers.append(host.popen(*_SSHD, stderr=log))
    try:
        for server, log_file in zip(servers, logs, strict=True):
            _wait_for(server, log_file)
        _write_inventory(place, hosts, key)
        nearest = next(iter(hosts.values()))
        found = Ansible(
            place=place,
            before=("nsenter", f"--target={nearest.pid}", "--net"),
            variables={
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_SSH_ARGS": "-F none -o ControlMaster=no",
            },
        )
        found.install()
        yield found
    finally:
        for server in servers:
            server.kill()
            server.wait()


def _wait_for(server: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + pace.stretched(15)
    while "Server listening" not in log.read_text(encoding="utf-8"):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _write_inventory(place: Path, hosts: Mapping[str, Host], key: Path) -> None:
    known = {
        host: (host.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii")
        for host in hosts.values()
    }
    lines = (f"{host.address} {' '.join(text.split()[:2])}\n" for host, text in known.items())
    (place / "known_hosts").write_text("".join(lines), encoding="ascii")
    own = place / "archive"
    own.mkdir()
    for deb in debs.packages():
        shutil.copy(deb, own)
    archive.index(own)
    shutil.copytree(own, hosts["hostg"].root / "srv/samemachine")
    variables: dict[str, dict[str, Any]] = {name: {} for name in hosts}
    variables["hostg"]["samemachine_repository"] = "deb [trusted=yes] file:/srv/samemachine ./"
    variables["hosth"]["samemachine_packages"] = [str(file) for file in debs.packages()]
    for name, host in hosts.items():
        variables[name] |= {"ansible_host": host.address, "ansible_user": "root"}
    common = f"-o UserKnownHostsFile={place}/known_hosts -o StrictHostKeyChecking=yes"
    everywhere = {"ansible_ssh_private_key_file": str(key), "ansible_ssh_common_args": common}
    form = {"all": {"hosts": variables, "vars": everywhere}}
    (place / "hosts.json").write_text(json.dumps(form), encoding="utf-8")


def play(ansible: Ansible, *options: str, toml: str = "timeout = 60.0\\n") -> dict[str, int]:
    """Run the role on both hosts; return how many tasks changed something on each."""
    file = ansible.place / "site.yml"
    file.write_text(_PLAY.format(toml=toml), encoding="utf-8")
    done = ansible.run("playbook", "-i", "hosts.json", *options, file, check=False)
    found = re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+) .* failed=0", done.stdout, re.MULTILINE)
    assert len(found) == 2, done.stdout + done.stderr
    return {name: int(changed) for name, changed in found}


def run(
    ansible: Ansible, module: str, *options: str, code: int = 0, **arguments: Any
) -> dict[str, dict[str, Any]]:
    """Run one of our modules on both hosts; return what it returned on each."""
    tree = ansible.place / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    words = ["-i", "hosts.json", "all", "--tree", str(tree), *options]
    words += ["-m", f"samemachine.samemachine.{module}"]
    words += ["-a", json.dumps(arguments)] if arguments else []
    done = ansible.run("", *words, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return {
        file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(tree.iterdir())
    }


@pytest.fixture(scope="module")
def installed(ansible: Ansible, hosts: Mapping[str, Host]) -> Ansible:
    """The role was run once on both hosts, which changed something on either."""
    for host in hosts.values():
        # The lab's own; what the package brings stands there.
        (host.root / "etc/samemachine/host.toml").unlink()
    assert all(play(ansible).values())
    return ansible


def test_a_host_without_the_command_is_told_so(ansible: Ansible) -> None:
    for said in run(ansible, "samemachine_audit", code=2).values():
        assert "the command samemachine is not there; install samemachine-host" in said["msg"]


def test_check_mode_installs_nothing(ansible: Ansible, hosts: Mapping[str, Host]) -> None:
    wanted = play(ansible, "--check")
    assert all(wanted.values())
    for host in hosts.values():
        assert not (host.root / "usr/bin/samemachine").exists()


def test_the_role_installs_both_sides(installed: Ansible, hosts: Mapping[str, Host]) -> None:
    for host in hosts.values():
        assert host.run("samemachine", "--version").stdout.startswith("samemachine")
        assert "it sets timeout" in host.run("samemachine", "check-config").stdout
        guest = host.run("samemachine-guest", "check-config").stdout
        assert "it changes idle-seconds" in guest


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_what_is_done_already_is_not_done_again(
    installed: Ansible, options: tuple[str, ...]
) -> None:
    assert play(installed, *options) == {"hostg": 0, "hosth": 0}


def test_a_configuration_that_is_wrong_does_not_get_there(
    installed: Ansible, hosts: Mapping[str, Host]
) -> None:
    (installed.place / "bad.yml").write_text(_PLAY.format(toml="tmeout = 1.0\\n"), encoding="utf-8")
    done = installed.run("playbook", "-i", "hosts.json", "bad.yml", check=False)
    assert done.returncode == 2
    assert "tmeout" in done.stdout
    for host in hosts.values():
        assert (host.root / "etc/samemachine/host.toml").read_text() == "timeout = 60.0\n"


def test_an_audit_returns_verdicts(installed: Ansible) -> None:
    for options in ((), ("--check",)):
        found = run(installed, "samemachine_audit", *options, fail_on=[])
        for name, result in found.items():
            verdicts = {one["name"]: one["verdict"] for one in result["domains"]}
            assert verdicts["liar"] == "mismatch"
            assert verdicts["steady"] == "verified"
            assert (result["changed"], result["verdict"], result["exit_code"]) == (
                False,
                "mismatch",
                1,
            )
            assert result["counts"]["mismatch"] == 1
            assert {one["host"] for one in result["domains"]} == {name}


def test_a_verdict_fails_the_task_where_it_was_asked_to(installed: Ansible) -> None:
    found = run(installed, "samemachine_audit", code=2)
    for name, result in found.items():
        assert f"liar on {name} is mismatch: the guest is told pc-q35-9.2" in result["msg"]
        assert result["changed"] is False
    run(installed, "samemachine_audit", domains=["steady"], fail_on=["mismatch", "unverified"])
    gone = run(installed, "samemachine_audit", code=2, connect=["qemu+tcp://127.0.0.1:9/system"])
    for result in gone.values():
        assert result["msg"] == "qemu+tcp://127.0.0.1:9/system can't be reached"
        assert result["verdict"] == "unreachable"
    for result in run(installed, "samemachine_audit", code=2, domains=["nonesuch"]).values():
        assert "gave no JSON" in result["msg"]
        assert "no domain 'nonesuch'" in result["msg"]


def test_what_answers_no_json_is_told_so(installed: Ansible) -> None:
    for result in run(installed, "samemachine_audit", code=2, executable="/bin/echo").values():
        assert "ended with 0 and gave no JSON: audit --format json" in result["msg"]


def test_an_upgrade_is_staged_once(installed: Ansible, hosts: Mapping[str, Host]) -> None:
    words = ["-i", "hosts.json", "all", "-m", "samemachine.samemachine.samemachine_stage"]
    words += ["--check", "--diff", "-a", json.dumps({"domains": ["old"]})]
    shown = installed.run("", *words).stdout
    for name, newest in NEWEST.items():
        lines = shown.partition(f"+++ after: old ({uuid(f'old-{name}')})")[2].splitlines()
        assert any(line.startswith("-") and f"machine='{OLD}'" in line for line in lines)
        assert any(line.startswith("+") and f"machine='{newest}'" in line for line in lines)
    planned = run(installed, "samemachine_stage", "--check", domains=["old"])
    for name, result in planned.items():
        assert result["changed"]
        (domain,) = result["domains"]
        assert (domain["outcome"], domain["target"]) == ("planned", NEWEST[name])
        assert machines(hosts[name], "old") == (OLD, OLD)
    staged = run(installed, "samemachine_stage", domains=["old"], change="CHG17")
    for name, result in staged.items():
        assert result["changed"]
        assert machines(hosts[name], "old") == (OLD, NEWEST[name])
    for result in run(installed, "samemachine_stage", domains=["old"]).values():
        assert not result["changed"]
    for result in run(
        installed, "samemachine_stage", "--check", domains=["old", "steady"]
    ).values():
        assert not result["changed"]


def test_what_can_not_be_raised_fails(installed: Ansible) -> None:
    for options in ((), ("--check",)):
        found = run(installed, "samemachine_stage", *options, code=2, domains=["old"], to="pc-9.9")
        for result in found.values():
            assert "pc-9.9" in result["msg"]
            assert not result["changed"]


def test_domains_as_an_inventory(installed: Ansible, hosts: Mapping[str, Host]) -> None:
    configuration = {
        "plugin": "samemachine.samemachine.domains",
        "connect": [host.tcp_uri for host in hosts.values()],
        "executable": f"{sys.prefix}/bin/samemachine",
        "keyed_groups": [{"key": "samemachine_host", "prefix": "on"}],
    }
    file = installed.place / "live.samemachine.yml"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    done = installed.run("inventory", "-i", file, "--list")
    found = json.loads(done.stdout)
    assert set(found["mismatch"]["hosts"]) == {"liar.hostg", "liar.hosth"}
    assert {"steady.hostg", "steady.hosth"} <= set(found["on_hostg"]["hosts"]) | set(
        found["on_hosth"]["hosts"]
    )
    facts = found["_meta"]["hostvars"]["liar.hostg"]
    assert facts["samemachine_uuid"] == {"__ansible_unsafe": uuid("liar-hostg")}
    assert facts["samemachine_verdict"] == {"__ansible_unsafe": "mismatch"}

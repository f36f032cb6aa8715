"""Forty domains of several owners, by libvirt's own test driver: names, owners, one line a host."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from tests import json_output

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
KUBEVIRT = "http://kubevirt.io"
SHARED = 6, 7
"""Two instances of Nova that have the same display name."""


def name(number: int) -> str:
    return f"prod_db{number}" if number % 4 == 0 else f"instance-{number:08x}"


def domain(number: int) -> str:
    title = "web" if number in SHARED else f"shop {number}"
    metadata = (
        f"<kubevirt xmlns='{KUBEVIRT}'><uid/></kubevirt>"
        if number % 4 == 0
        else f"<nova:instance xmlns:nova='{NOVA}'><nova:name>{title}</nova:name><nova:owner>"
        f"<nova:project uuid='p'>acme</nova:project></nova:owner></nova:instance>"
    )
    return (
        f"<domain type='test'><name>{name(number)}</name><uuid>{UUID(int=number)}</uuid>"
        f"<metadata>{metadata}</metadata><memory>8192</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("node") / "node.xml"
    domains = "".join(domain(number) for number in range(1, 41))
    file.write_text(f"<node>{domains}</node>", encoding="utf-8")
    return f"test://{file}"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SAMEMACHINE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_one_trouble_of_all_is_few_lines(uri: str) -> None:
    done = run("audit", "-c", uri)
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert "40 domains" in lines[0]
    assert lines[1] == "unverified 40   exit 3"
    assert len(lines) <= 12
    assert "+3" in done.stdout
    assert "Traceback" not in done.stderr
    assert run("audit", "-c", uri).stdout.splitlines()[1:] == lines[1:]


def test_a_stream_has_a_line_for_each_domain_and_one_for_the_end(uri: str) -> None:
    done = run("audit", "-c", uri, "--format", "jsonl")
    *lines, end = [json_output.read(line) for line in done.stdout.splitlines()]
    assert {line["kind"] for line in lines} == {"domain"}
    whole = json_output.read(run("audit", "-c", uri, "--format", "json").stdout)
    (host,) = whole["hosts"]
    domains = sorted((line["domain"] for line in lines), key=lambda one: str(one["name"]))
    assert domains == host.pop("domains")
    assert (end["kind"], end["exit_code"], end["unreachable"]) == ("end", done.returncode, [])
    assert end["hosts"][0]["counts"] == host["counts"]


def test_a_stream_is_whole_in_a_file(uri: str, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    done = run("audit", "-c", uri, "-c", "test:///gone", "--format", "jsonl", "--output", str(file))
    assert (done.returncode, done.stdout) == (4, "")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert json_output.read(lines[-1])["unreachable"] == ["test:///gone"]
    assert len(lines) == 41


@pytest.mark.parametrize(
    ("asked", "number"),
    [("shop 1", 1), (str(UUID(int=2)), 2), (name(3), 3), ("db4", 4), ("prod_db4", 4)],
)
def test_any_name_will_do(uri: str, asked: str, number: int) -> None:
    done = run("audit", asked, "-c", uri, "--format", "json")
    (found,) = json_output.read(done.stdout)["hosts"][0]["domains"]
    assert (found["name"], found["uuid"]) == (name(number), str(UUID(int=number)))


def test_the_owners_own_name_is_shown(uri: str) -> None:
    assert "owner: shop 1 (Nova, project acme)" in run("show", "shop 1", "-c", uri).stdout
    assert "owner: db4 (KubeVirt, namespace prod)" in run("show", "db4", "-c", uri).stdout
    document = json_output.read(run("audit", "-c", uri, "--format", "json").stdout)
    owners = [one["owner"]["kind"] for one in document["hosts"][0]["domains"]]
    assert (owners.count("Nova"), owners.count("KubeVirt")) == (30, 10)


def test_a_name_of_two_is_refused_with_their_uuids(uri: str) -> None:
    done = run("audit", "web", "-c", uri)
    assert done.returncode == 2
    assert all(str(UUID(int=number)) in done.stderr for number in SHARED)

"""Our Ansible collection as ansible-core sees it: built, documented, and run on this machine.

tests/lab/test_ansible.py runs it on hosts.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.lab import ansible_core, needed
from tests.lab.ansible_core import NAME, SOURCE, Ansible

SAMEMACHINE = f"{sys.prefix}/bin/samemachine"
# Stands where ansible-test looks for a bootstrap script of pip that it would download.
_PIP = """import subprocess, sys
unknown = ("--no-setuptools", "--no-wheel")
wanted = [word for word in sys.argv[1:] if word not in unknown]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted], check=True)
"""


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Ansible:
    with needed.shown(request):
        ansible_core.folder()
    found = Ansible(place=tmp_path_factory.mktemp("ansible"))
    found.install()
    return found


@pytest.fixture(scope="module")
def audit() -> dict[str, Any]:
    """A document of an audit, with one domain."""
    words = [SAMEMACHINE, "audit", "-c", "test:///default", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_is_built_has_all_and_no_more(ansible: Ansible) -> None:
    (built,) = ansible.place.glob("*.tar.gz")
    with tarfile.open(built) as tar:
        names = {entry.name for entry in tar if entry.isfile()} - {"FILES.json", "MANIFEST.json"}
    wanted = {str(file.relative_to(SOURCE)) for file in SOURCE.rglob("*") if file.is_file()}
    left_out = {name for name in wanted if name.startswith("tests/") or "__pycache__" in name}
    assert names == wanted - left_out - {"galaxy.yml"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("module", "samemachine_audit"), ("module", "samemachine_stage"),
     ("inventory", "domains"), ("role", "install")],
)  # fmt: skip
def test_its_documentation_is_shown(kind: str, name: str, ansible: Ansible) -> None:
    said = ansible.run("doc", "-t", kind, f"{NAME}.{name}").stdout
    for file in SOURCE.glob(f"plugins/*/{name}.py"):
        options = re.findall(r"^  (\w+):$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(option in said for option in options)
    assert name in said


def test_its_page_is_a_play(ansible: Ansible) -> None:
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(- hosts.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        (ansible.place / "page.yml").write_text(block, encoding="utf-8")
        ansible.run("playbook", "--syntax-check", "page.yml")


def test_an_audit_on_this_machine(ansible: Ansible) -> None:
    arguments = {"connect": ["test:///default"], "executable": SAMEMACHINE, "full": True}
    for allowed, code in (("mismatch", 0), ("unverified", 2)):
        tree = ansible.place / "tree"
        words = ["localhost", "--tree", str(tree), "-m", f"{NAME}.samemachine_audit"]
        words += ["-a", json.dumps(arguments | {"fail_on": [allowed]})]
        assert ansible.run("", *words, check=False).returncode == code
        result = json.loads((tree / "localhost").read_text(encoding="utf-8"))
        assert (result["verdict"], result["exit_code"], result["changed"]) == (
            "unverified",
            3,
            False,
        )
        assert result["document"]["$schema"] == "urn:samemachine:schema:audit:1"
        (domain,) = result["domains"]
        assert {one["outcome"] for one in domain["findings"]} <= {"fail", "warn", "unknown"}
    assert result["msg"].startswith("test on vm is unverified: ")


def inventory(
    ansible: Ansible, document: object, **more: Any
) -> "subprocess.CompletedProcess[str]":
    (ansible.place / "audit.json").write_text(json.dumps(document), encoding="utf-8")
    settings = {"plugin": f"{NAME}.domains", "file": "audit.json", **more}
    file = ansible.place / "domains.samemachine.yml"
    file.write_text(json.dumps(settings), encoding="utf-8")
    strict = Ansible(
        place=ansible.place, variables={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    )
    return strict.run("inventory", "-i", file, "--list", check=False)


def told(text: str, done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether it was said, wherever the line was broken."""
    return "".join(text.split()) in "".join(done.stderr.split())


def test_domains_are_grouped_by_verdict(ansible: Ansible, audit: dict[str, Any]) -> None:
    (host,) = audit["hosts"]
    (domain,) = host["domains"]
    failed = {"name": "b", "uuid": domain["uuid"], "verdict": "failed", "error": "it is gone"}
    shown = [
        domain | {"name": name, "verdict": verdict}
        for name, verdict in (("m", "mismatch"), ("v", "verified"), ("off", None))
    ]
    other = host | {"name": "node2", "domains": [domain | {"verdict": "verified"}]}
    document = audit | {"hosts": [host | {"domains": [domain, failed, *shown]}, other]}
    found = json.loads(inventory(ansible, document).stdout)
    groups = {name: found[name]["hosts"] for name in found["all"]["children"] if name in found}
    assert groups == {
        "unverified": ["test.vm", "b"],
        "mismatch": ["m"],
        "verified": ["v", "test.node2"],
        "not_running": ["off"],
    }
    (finding,) = found["_meta"]["hostvars"]["b"]["samemachine_findings"]
    assert finding["sentence"] == {"__ansible_unsafe": "it is gone"}


def test_what_an_audit_says_is_no_template(ansible: Ansible, audit: dict[str, Any]) -> None:
    (host,) = audit["hosts"]
    (domain,) = host["domains"]
    text = "{{ 40 + 2 }}"
    named = domain | {"name": text, "verdict": "mismatch"}
    named["findings"] = [{"check": "product", "outcome": "fail", "sentence": text}]
    done = inventory(ansible, audit | {"hosts": [host | {"domains": [named]}]})
    assert json.loads(done.stdout)["mismatch"]["hosts"] == [domain["uuid"]]
    words = ["-i", "domains.samemachine.yml", "-m", "debug", "-a"]
    said = ansible.run("", domain["uuid"], *words, "msg={{ samemachine_findings[0].sentence }}")
    assert text in said.stdout
    said = ansible.run("", domain["uuid"], *words, "var=samemachine_name")
    assert text in said.stdout


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "no document of samemachine audit"),
        ({"$schema": "urn:samemachine:schema:audit:2", "schema": 2}, "update the collection"),
        (
            {
                "$schema": "urn:samemachine:schema:audit:1",
                "schema": 1,
                "hosts": [{"domains": [{}]}],
            },
            "no audit's",
        ),
        ({"$schema": "urn:samemachine:schema:audit:1", "schema": 1}, "no audit's document"),
    ],
)
def test_what_is_no_audit_is_told_so(document: object, said: str, ansible: Ansible) -> None:
    done = inventory(ansible, document)
    assert done.returncode != 0
    assert told(said, done)


def test_an_inventory_without_the_command_is_told_so(ansible: Ansible) -> None:
    done = inventory(ansible, {}, file=None, executable="nonesuch-command")
    assert told("the command nonesuch-command is not there", done)
    done = inventory(ansible, {}, file="nonesuch.json")
    assert told("nonesuch.json can't be read", done)


@pytest.mark.long("ansible")
@pytest.mark.timeout(900)
def test_ansible_finds_no_fault(ansible: Ansible, tmp_path: Path) -> None:
    place = tmp_path / "ansible_collections" / Path(*NAME.split("."))
    shutil.copytree(SOURCE, place, ignore=shutil.ignore_patterns("__pycache__"))
    kept = tmp_path / ".ansible/test/cache"
    kept.mkdir(parents=True)
    (version,) = re.findall(
        r" pip='([\d.]+)'",
        (ansible_core.folder() / "ansible_test/_internal/python_requirements.py").read_text(
            "utf-8"
        ),
    )
    (kept / f"get_pip_{version.replace('.', '_')}.py").write_text(_PIP, encoding="utf-8")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    core = ansible_core.folder()
    done = subprocess.run(
        [
            sys.executable,
            core / "bin/ansible-test",
            "sanity",
            "--venv",
            "--requirements",
            "--python",
            python,
            "--color",
            "no",
        ],
        cwd=place,
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(core),
            "PATH": f"{core}/bin:{os.environ['PATH']}",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

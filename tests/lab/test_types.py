"""``samemachine types`` and the checks of machine types, against what the hosts' own QEMU says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import json_output
from tests.lab.asking import audit
from tests.lab.guest import GuestOptions
from tests.lab.host import Host

OLD = "pc-i440fx-2.8"
"""QEMU 10.0 of Debian 13 calls it deprecated, QEMU 7.2 of Debian 12 does not."""
GONE = "pc-i440fx-2.1"
"""QEMU 10.0 has it no more."""
QEMU = "/usr/bin/qemu-system-x86_64"


def listed(host: Host, *arguments: str) -> dict[str, Any]:
    done = host.samemachine("types", "--format", "json", *arguments)
    assert done.stdout, done.stderr
    (found,) = json_output.read(done.stdout)["lists"]
    return dict(found)


def qemus_own(host: Host) -> dict[str, str]:
    """Name → the rest of the line, of ``-machine help``, without aliases and what is no machine."""
    lines = host.run(QEMU, "-machine", "help").stdout.splitlines()[1:]
    named = dict(re.split(r"\s+", line, maxsplit=1) for line in lines)
    return {name: rest for name, rest in named.items() if "(alias of " not in rest}


@pytest.fixture(scope="module")
def old(host_b: Host) -> Iterator[str]:
    guest = host_b.guest(GuestOptions(name="old", machine=OLD))
    yield guest.name
    guest.remove()


@pytest.fixture(scope="module")
def gone(host_b: Host) -> Iterator[str]:
    """A domain that an upgrade of the host left behind: libvirt reads it from its file."""
    xml = GuestOptions(name="gone", machine=GONE).xml()
    host_b.stop_libvirtd()
    (host_b.root / "etc/libvirt/qemu/gone.xml").write_text(xml, encoding="utf-8")
    host_b.start_libvirtd()
    yield "gone"
    host_b.run("virsh", "undefine", "gone")


@pytest.mark.parametrize("name", ["host_a", "host_b"])
def test_the_list_is_qemus(request: pytest.FixtureRequest, name: str) -> None:
    host: Host = request.getfixturevalue(name)
    own = qemus_own(host)
    found = {one["name"]: one for one in listed(host)["types"]}
    # libvirt lists no machine that is none, and Xen's are no business of QEMU's alone.
    assert {one for one in own if one.startswith("pc-")} == {
        one for one in found if one.startswith("pc-")
    }
    for one, row in found.items():
        assert row["deprecated"] is ("(deprecated)" in own[one]), one
    assert [one for one, row in found.items() if row["default"]] == [
        one for one, rest in own.items() if "(default)" in rest
    ]


def test_a_host_and_the_shipped_atlas_of_its_release_agree(host_b: Host) -> None:
    shipped = {one["name"]: one for one in listed(host_b, "--release", "debian:trixie")["types"]}
    for one in listed(host_b)["types"]:
        for key in ("deprecated", "aliases", "base", "removed", "support_ends", "default"):
            assert one[key] == shipped[one["name"]][key], (one["name"], key)
        if one["name"].startswith("pc-"):
            assert one["support_ends"] >= "2030-06-30"


def test_an_old_type_is_told(host_b: Host, old: str) -> None:
    rows = {one["name"]: one for one in listed(host_b)["types"]}
    assert rows[OLD]["domains"] == [old]
    result = audit(host_b, old)
    assert result.outcome(old, "deprecated") == "warn"
    assert "QEMU 10.1 drops it" in result.finding(old, "deprecated")["sentence"]
    outcomes = [result.outcome(old, one) for one in ("unavailable", "vendor-support", "alias")]
    assert outcomes == ["pass", "skip", "pass"]
    assert "trixie (13) is supported" in result.finding(old, "end-of-life")["sentence"]
    assert result.exit_code == 0


def test_it_can_be_waived(host_b: Host, old: str) -> None:
    waiver = '[[waive]]\ncheck = "deprecated"\nreason = "soon"\nuntil = {}\n'
    for year, waived in (("2999-01-01", True), ("2001-01-01", False)):
        host_b.run("sh", "-c", "cat >/tmp/waivers.toml", text_input=waiver.format(year))
        done = host_b.samemachine("audit", old, "--waive", "/tmp/waivers.toml")
        assert ("waived" in done.stdout) is waived
        assert ("is deprecated" in done.stdout) is not waived
        assert ("was over on 2001-01-01 (soon)" in done.stderr) is not waived


def test_a_type_that_is_gone_is_found_before_the_start_fails(host_b: Host, gone: str) -> None:
    finding = audit(host_b, gone).finding(gone, "unavailable")
    assert (finding["outcome"], finding["remedy"]) == ("warn", "samemachine upgrade DOMAIN")
    assert f"{GONE} is not offered here (QEMU 9.1 dropped it)" in finding["sentence"]
    done = host_b.samemachine("types")
    assert done.returncode == 1
    assert f"NOT OFFERED HERE  {GONE}  gone" in done.stdout
    # libvirt's own refusal proves it right.
    refused = host_b.run("virsh", "start", gone, check=False)
    assert refused.returncode != 0
    assert f"does not support machine type '{GONE}'" in refused.stderr

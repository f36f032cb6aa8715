"""Our Debian packages, on clean roots of the releases that they are for."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent import __version__
from tests import markdown_links, shown
from tests.lab import make_deb, needed
from tests.packaging import debian_root, debs
from tests.packaging.debian_root import DebianRoot

BOTH = "samemachine-guest samemachine-host"
ALL = f"python3-samemachine {BOTH}"

pytestmark = pytest.mark.skipif(
    shutil.which("lintian") is None, reason="lintian is needed: make system"
)


@pytest.fixture(scope="module", autouse=True)
def _lab() -> None:
    needed.require()


@pytest.fixture(params=shown.rows(("bookworm", "trixie"), {"bookworm"}, "debian"))
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DebianRoot]:
    image = debian_root.image(request.param, debs.dependencies())
    with debian_root.started(image, debs.folder(), debs.folder(debs.OLDER), tmp_path) as started:
        yield started


def test_they_run_on_a_clean_root_and_leave_nothing(root: DebianRoot) -> None:
    root.apt(f"install {' '.join(debs.dependencies())}")
    before = root.files()
    root.apt("install /debs/*.deb")
    for command in ("samemachine", "samemachine-guest"):
        assert root.run(f"{command} --version").split()[-1] == __version__
        assert "nothing" in root.run(f"{command} check-config")
    # There is no libvirt on a clean root, and that is what it says.
    assert "is libvirtd running there" in root.run("samemachine audit", codes=(4,))
    domains = "samemachine {} -c test:///default"
    assert "runs no QEMU" in root.run(domains.format("audit"), codes=(3,))
    assert "no baseline" in root.run(domains.format("verify --all"), codes=(3,))
    assert "1 entry" in root.run("samemachine history")
    assert "YES" in root.run("samemachine path bookworm trixie")
    assert "COMPARED" in root.run("samemachine diff debian:bookworm debian:trixie", codes=(1,))
    assert '"boot_id"' in root.run("samemachine-guest report --group boot")
    assert re.search(r"^boot +ok$", root.run("samemachine-guest check", codes=(0, 1)), re.MULTILINE)
    # What Debian's own tests of the package run (autopkgtest(1)).
    for command in debs.autopkgtests():
        root.run(command)
    # The modules are the commands' own.
    for module in ("host_agent", "guest_agent", "dmidecode"):
        root.run(f"python3 -c 'import {module}'", codes=(1,))

    root.apt(f"remove {ALL}")
    # Debian's own memory of what was enabled goes with the purge.
    kept = {file for file in root.files() - before if "/deb-systemd-helper" not in file}
    assert kept == {
        "/etc/samemachine",
        "/etc/samemachine/guest.conf",
        "/etc/samemachine/host.toml",
        "/var/lib/samemachine",
        "/var/lib/samemachine/ledger.sqlite",
    }
    root.run(": >/etc/samemachine/waivers.toml")
    root.apt(f"purge {ALL}")
    assert root.files() == before


def test_an_upgrade_keeps_configuration_and_history(root: DebianRoot) -> None:
    root.apt("install /older/*.deb")
    # Configuration that is the administrator's, and something in the ledger.
    root.run("sed -i 's/^#timeout = .*/timeout = 3.5/' /etc/samemachine/host.toml")
    root.run("sed -i 's/^#groups-off =.*/groups-off = network/' /etc/samemachine/guest.conf")
    root.run("samemachine verify --all -c test:///default", codes=(3,))
    history = root.run("samemachine history")
    settings = root.run("cat /etc/samemachine/*")

    root.apt("install /debs/*.deb")

    versions = root.run("dpkg-query -W -f '${Version}\\n' " + ALL).split()
    assert len(set(versions)) == 1
    assert versions[0] != debs.OLDER
    assert root.run("cat /etc/samemachine/*") == settings
    assert "it sets timeout" in root.run("samemachine check-config")
    assert "it changes groups-off" in root.run("samemachine-guest check-config")
    assert root.run("samemachine history") == history
    switched_off = root.run("samemachine-guest check", codes=(0, 1))
    assert re.search(r"^network +(?!ok)", switched_off, re.MULTILINE)
    # What one side keeps is not the other's to remove.
    root.apt("purge samemachine-host")
    assert root.run("ls /etc/samemachine") == "guest.conf\n"


def test_they_are_clean_for_lintian() -> None:
    (changes,) = debs.folder().glob("*.changes")
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", str(changes)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.long("debian")
def test_two_builds_of_one_tree_are_the_same(tmp_path: Path) -> None:
    shutil.copy(next(debs.folder().glob("dmidecode-*.tar.gz")), tmp_path)
    subprocess.run(
        [sys.executable, make_deb.MAKE, "--output", tmp_path, "--pip", "false"],
        check=True,
        capture_output=True,
    )
    for first in debs.folder().glob("*.deb"):
        assert first.read_bytes() == (tmp_path / first.name).read_bytes()


def test_the_packages_have_what_they_are_for() -> None:
    contract, guest, host = (set(debs.contents(deb)) for deb in debs.packages())
    assert "/usr/lib/python3/dist-packages/samemachine/v1/guest_pb2.py" in contract
    assert guest >= {
        "/etc/samemachine/guest.conf",
        "/usr/bin/samemachine-guest",
        "/usr/share/samemachine-guest/dmidecode.py",
        "/usr/share/samemachine-guest/refresh-fw-cfg.conf",
        "/usr/share/samemachine-guest/tpm.conf",
        "/usr/share/man/man1/samemachine-guest.1.gz",
        "/usr/share/man/man5/samemachine-guest.conf.5.gz",
        "/usr/share/bash-completion/completions/samemachine-guest",
    }
    assert host >= {
        "/etc/samemachine/host.toml",
        "/usr/bin/samemachine",
        "/usr/share/man/man1/samemachine-serve.1.gz",
        "/usr/share/man/man5/samemachine-host.toml.5.gz",
        "/usr/share/man/man5/samemachine-inventory.5.gz",
        "/usr/share/man/man7/samemachine-checks.7.gz",
        "/usr/share/bash-completion/completions/samemachine",
    }
    assert not any(name.startswith("/usr/share/man") for name in guest & host)
    # Where the release that builds has them.
    units = {name.removeprefix("/usr") for name in guest | host if "/systemd/" in name}
    assert units == {
        f"/lib/systemd/system/{name}.service" for name in ("samemachine", "samemachine-guest")
    }
    assert "/lib/udev/rules.d/70-samemachine-guest.rules" in {
        name.removeprefix("/usr") for name in guest
    }
    for files in (contract, guest, host):
        assert not any("__pycache__" in name or "/test" in name for name in files)


def test_installed_documents_lead_to_each_other(tmp_path: Path) -> None:
    for deb in debs.packages():
        subprocess.run(["dpkg-deb", "--extract", deb, tmp_path], check=True)
    documents = tmp_path / "usr/share/doc/samemachine-host"
    pages = list(documents.rglob("*.md"))
    assert {page.name for page in pages} >= {"README.md", "concepts.md", "permissions.md"}
    dead = {page.name: markdown_links.dead(page) for page in pages}
    assert not any(dead.values()), dead
    # Where Debian's users look for them.
    assert (documents / "examples/hook-qemu").is_file()

"""Links in another system's root folder lead where they would lead there."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.errors import EvidenceError
from host_agent.inside_root import resolved
from host_agent.machine_types import packages
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import probe
from host_agent.qemu.options import bare
from host_agent.qemu.session import NOBODY, probe_user

LINKS = {
    "absolute": "/usr/bin/real", "relative": "usr/bin/real", "up": "../../../../usr/bin/real",
    "chain": "absolute", "loop": "loop", "loop2": "/loop", "out": "/etc/passwd",
    "outer": "../../../../../../etc/passwd", "usr/lib": "/lib", "lib": "usr/bin", "dot": "./usr/./",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/bin/real").write_text("theirs", encoding="utf-8")
    (folder / "etc").mkdir()
    for name, target in LINKS.items():
        (folder / name).symlink_to(target)
    return folder


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/absolute", "usr/bin/real"), ("relative", "usr/bin/real"), ("/up", "usr/bin/real"),
        ("/chain", "usr/bin/real"), ("/out", "etc/passwd"), ("/outer", "etc/passwd"),
        ("/usr/lib/real", "usr/bin/real"), ("/lib/../../..", "."), ("/../../x", "x"),
        ("/dot/bin/real", "usr/bin/real"), ("/nothing/at/all", "nothing/at/all"), ("/", "."),
    ],
)  # fmt: skip
def test_where_a_path_leads(root: Path, path: str, found: str) -> None:
    assert resolved(root, path) == root / found


@pytest.mark.parametrize("path", ["/loop", "/loop2/x"])
def test_a_loop_is_an_error(root: Path, path: str) -> None:
    with pytest.raises(OSError, match="symbolic links"):
        resolved(root, path)
    with pytest.raises(EvidenceError, match="symbolic links"):
        qemu_binary.installed(path, root)


@given(st.lists(st.sampled_from([*LINKS, "..", ".", "usr", "bin", "x"]), max_size=8))
def test_no_path_leads_out(root: Path, parts: list[str]) -> None:
    with contextlib.suppress(OSError):
        place = resolved(root, "/".join(parts))
        assert place.resolve().is_relative_to(root)


def test_what_is_read_of_a_root_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("/usr/lib/os-release")
    assert packages.distribution_name(tmp_path) is None
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text("ID=debian\nVERSION_ID=99\n", encoding="utf-8")
    assert packages.distribution_name(tmp_path) == "Debian 99"
    (tmp_path / "etc/link").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="there is no"):
        qemu_binary.installed("/etc/link", tmp_path)


def test_a_place_for_a_device_tree_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "tmp").symlink_to("/var")
    (tmp_path / "qemu").write_text("#!/bin/sh", encoding="utf-8")
    (tmp_path / "qemu").chmod(0o755)
    binary = qemu_binary.installed("/qemu", tmp_path)
    with pytest.raises(EvidenceError, match="can't hold what QEMU writes"):
        probe.probe(binary, bare("pseries", "ppc64"), 1)


@pytest.mark.parametrize(
    ("uids", "gids", "own"),
    [
        ("0 0 4294967295", "0 0 4294967295", True), ("0 100000 65536", "0 0 4294967295", False),
        ("0 0 4294967295", "0 100000 65536", False), ("", "0 0 4294967295", False),
        ("0 1 1\n1900000000 2 99999999", "0 0 4294967295", True), ("x", "", False),
    ],
)  # fmt: skip
def test_a_probe_has_a_user_of_its_own(tmp_path: Path, uids: str, gids: str, *, own: bool) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/uid_map").write_text(uids, encoding="ascii")
    (tmp_path / "proc/self/gid_map").write_text(gids, encoding="ascii")
    assert (probe_user(tmp_path) != NOBODY) is own

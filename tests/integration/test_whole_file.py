"""Files that commands write: whole or not there, and readable for whom they were."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.commands.shared.console import destination, new_file
from host_agent.errors import UsageError


@pytest.fixture(params=[0o022, 0o027, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def written(place: Path, *, shared: bool) -> int:
    with destination(place, shared=shared) as console:
        console.file.write("told\n")
    assert place.read_text(encoding="utf-8") == "told\n"
    assert [one.name for one in place.parent.iterdir()] == [place.name]
    return stat.S_IMODE(place.stat().st_mode)


def test_a_new_file_with_identifiers_is_its_owners(tmp_path: Path, umask: int) -> None:
    assert written(tmp_path / "new", shared=False) == 0o600 & ~umask


def test_a_new_file_for_all_has_the_umasks_mode(tmp_path: Path, umask: int) -> None:
    assert written(tmp_path / "new", shared=True) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400, 0o4755])
@pytest.mark.parametrize("shared", [True, False])
def test_an_existing_file_keeps_its_mode(
    tmp_path: Path, umask: int, mode: int, *, shared: bool
) -> None:
    (tmp_path / "there").touch()
    (tmp_path / "there").chmod(mode)
    assert written(tmp_path / "there", shared=shared) == mode & 0o777
    assert umask in range(0o100)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_existing_file_keeps_its_owner(tmp_path: Path) -> None:
    (tmp_path / "there").touch(0o600)
    os.chown(tmp_path / "there", 1234, 1235)
    assert written(tmp_path / "there", shared=False) == 0o600
    status = (tmp_path / "there").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("as it was", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with new_file(tmp_path / "link") as file:
        file.write(b"told")
    assert (tmp_path / "target").read_text(encoding="utf-8") == "as it was"
    assert not (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "link").stat().st_mode) == 0o600


def test_our_own_descriptor_is_written_to(tmp_path: Path) -> None:
    """As /dev/stdout is: another file must not take its place."""
    with (tmp_path / "out").open("wb") as out, new_file(Path(f"/dev/fd/{out.fileno()}")) as file:
        file.write(b"told")
    assert (tmp_path / "out").read_bytes() == b"told"


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("as it was", encoding="utf-8")
    with pytest.raises(TypeError), new_file(tmp_path / "there") as file:
        file.write("half")  # type: ignore[call-overload]  # it is to fail
    assert (tmp_path / "there").read_text(encoding="utf-8") == "as it was"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UsageError, match="can't be written"), new_file(tmp_path / "no" / "there"):
        pass


PROGRAM = "import os, sys; from host_agent import whole_file; whole_file.write({}, 'new', b'x')"


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path) -> None:
    """As the kernel is asked for it."""
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    trace = tmp_path.parent / f"{tmp_path.name}.trace"
    try:
        subprocess.run(
            [
                "strace",
                "-o",
                trace,
                "-e",
                "trace=fsync,rename,renameat,renameat2",
                sys.executable,
                "-c",
                PROGRAM.format(folder),
            ],
            check=True,
            pass_fds=[folder],
        )
    finally:
        os.close(folder)
    asked = trace.read_text(encoding="utf-8").splitlines()
    calls = [line.partition("(")[0] for line in asked if "(" in line]
    assert [call.rstrip("at2") for call in calls] == ["fsync", "rename", "fsync"]
    assert f"fsync({folder})" in asked[-2]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600

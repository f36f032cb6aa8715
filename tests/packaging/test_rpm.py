"""The RPM packages: built with rpmbuild, they hold what the Debian packages hold."""

import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from host_agent import __version__
from tests.checkout import CHECKOUT
from tests.lab import make_deb
from tests.packaging import debs

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("rpmbuild", *make_deb.TOOLS)),
    reason="rpm, dpkg-dev, dh-python and go-md2man are needed: make system",
)

NAMES = ("samemachine-guest", "samemachine-host", "python3-samemachine")
DEBIANS = {"python3-prometheus_client": "python3-prometheus-client"}
"""What a package is called in Debian, where Fedora calls it otherwise."""
# Each family's own: documentation, and what debhelper or rpm adds.
ELSEWHERE = ("/usr/share/doc/", "/usr/share/licenses/", "/usr/share/lintian/",
             "/usr/share/python3/")  # fmt: skip


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    top = tmp_path_factory.mktemp("rpm")
    done = subprocess.run(
        [
            "rpmbuild",
            "--quiet",
            "-bb",
            "--nodeps",
            f"--define=_topdir {top}",
            # This machine's name may lead nowhere.
            "--define=_buildhost localhost",
            f"--define=_sourcedir {debs.folder()}",
            f"--define=_rpmdir {top}",
            str(CHECKOUT / "packaging/rpm/samemachine.spec"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # rpmbuild's warnings are of files that are listed twice, of scripts without an interpreter.
    assert "warning" not in done.stderr
    found = {file.name.split(f"-{__version__}-")[0]: file for file in top.rglob("*.rpm")}
    assert sorted(found) == sorted(NAMES)
    return found


def query(rpm: Path, form: str) -> list[str]:
    command = ["rpm", "--query", "--package", "--queryformat", form, str(rpm)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def installed(rpm: Path) -> dict[str, tuple[int, str]]:
    """Path → mode and flags of the files of a package, by the places of a Debian system."""
    lines = query(rpm, r"[%{FILENAMES} %{FILEMODES:octal} %{FILEFLAGS:fflags} .\n]")
    rows = [line.split(" ") for line in lines]
    return {
        _as_debian(name): (int(mode, 8) & 0o7777, flags)
        for name, mode, flags, *_ in rows
        if stat.S_ISREG(int(mode, 8))
    }


def _as_debian(name: str) -> str:
    before, found, inside = name.partition("/site-packages/")
    if found:
        assert before.startswith("/usr/lib/python3.")
        return f"/usr/lib/python3/dist-packages/{inside}"
    if name.startswith("/usr/share/man/"):
        # Each family compresses them in its own way.
        return name.removesuffix(".gz")
    name = name.replace("/zsh/site-functions/", "/zsh/vendor-completions/")
    for folder in ("/usr/lib/systemd/", "/usr/lib/udev/"):
        if name.startswith(folder):
            return name.removeprefix("/usr")
    return name


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_the_files_of_the_debian_package(name: str, rpms: Mapping[str, Path]) -> None:
    (deb,) = (file for file in debs.packages() if file.name.startswith(f"{name}_"))
    contents = {_as_debian(path): mode for path, mode in debs.contents(deb).items()}
    expected = {path: mode for path, mode in contents.items() if not path.startswith(ELSEWHERE)}
    found = installed(rpms[name])
    sources = {
        path: mode
        for path, (mode, _) in found.items()
        if not path.endswith(".pyc") and not path.startswith(ELSEWHERE)
    }
    assert sources == expected
    # Each module is there compiled as well, and belongs to the package.
    modules = [path for path in sources if path.endswith(".py")]
    assert len([path for path in found if path.endswith(".pyc")]) == len(modules) > 0


def test_it_holds_the_same_documents(rpms: Mapping[str, Path]) -> None:
    name = "samemachine-host"
    (deb,) = (file for file in debs.packages() if file.name.startswith(f"{name}_"))
    folder = f"/usr/share/doc/{name}/"
    # Debian's own, and what is a link.
    theirs = {"changelog.Debian.gz", "copyright", "examples"}
    expected = {path.removeprefix(folder) for path in debs.contents(deb) if path.startswith(folder)}
    found = {path.removeprefix(folder) for path in query(rpms[name], r"[%{FILENAMES}\n]")}
    assert expected - theirs <= found


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("samemachine-guest", "/etc/samemachine/guest.conf"),
        ("samemachine-host", "/etc/samemachine/host.toml"),
    ],
)
def test_an_upgrade_keeps_the_configuration(name: str, file: str, rpms: Mapping[str, Path]) -> None:
    flags = {path: flags for path, (_, flags) in installed(rpms[name]).items()}
    # c: a configuration file; n: what was changed in it stays (%config(noreplace)).
    assert set(flags[file]) == {"c", "n"}


@pytest.mark.parametrize("name", NAMES)
def test_it_requires_what_the_debian_package_depends_on(
    name: str, rpms: Mapping[str, Path]
) -> None:
    required = {line.split()[0] for line in query(rpms[name], r"[%{REQUIRENAME}\n]")}
    ours = {DEBIANS.get(line, line) for line in required if line.startswith("python3-")}
    (deb,) = (file for file in debs.packages() if file.name.startswith(f"{name}_"))
    control = subprocess.run(
        ["dpkg-deb", "--field", deb, "Depends"], capture_output=True, text=True, check=True
    ).stdout
    depends = {part.split()[0] for part in control.split(",")}
    assert ours == {part for part in depends if part.startswith("python3-")}

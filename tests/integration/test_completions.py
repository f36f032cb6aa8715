"""Completions: made by the packaging's own command, and used by real shells."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from guest_agent.evidence import NAMES
from host_agent import checks
from tests.checkout import CHECKOUT
from tests.commands import COMMANDS

# As bash does it: the function that is registered for a program, with the words typed so far.
TYPED = """
source "$1"; shift
function=$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
compopt() { printf 'OPTION %s\\n' "$*"; }
"$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completions")
    subprocess.run([sys.executable, CHECKOUT / "packaging/make-completions", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def environment() -> Mapping[str, str]:
    """With our own programs first, and libvirt's test driver, which has a domain called test."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": "/nowhere", "LIBVIRT_DEFAULT_URI": "test:///default"}


def complete(made: Path, environment: Mapping[str, str], *words: str) -> list[str]:
    done = subprocess.run(
        ["bash", "--norc", "-c", TYPED, "-", made / "bash" / words[0], *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("samemachine", "aud"), ["audit"]),
        (("samemachine", "show", ""), ["test"]),
        (("samemachine", "verify", "--arr"), ["--arrived-since"]),
        (("samemachine", "forget", "test", "t"), []),
        (("samemachine", "show", "--format", ""), ["text", "json"]),
        (("samemachine", "audit", "-c", "qemu+ssh://nowhere/system", ""), []),
        (("samemachine", "checks", "same-b"), ["same-boot", "same-block"]),
        (("samemachine", "path", "bookw"), ["bookworm"]),
        (("samemachine", "diff", "li"), ["live"]),
        (("samemachine", "diff", "x"), ["OPTION", "-o", "default"]),
        (("samemachine", "audit", "--waive", ""), ["OPTION", "-o", "default"]),
        (("samemachine-guest", ""),
         ["serve", "report", "check", "check-config", "-h", "--help", "--version"]),
        (("samemachine-guest", "report", "--ex"), ["--explain"]),
        (("samemachine-guest", "report", "--group", "ne"), ["network"]),
        (("samemachine-guest", "check", "--require", "dmi,smbios_l"),
         ["OPTION", "-o", "nospace", "dmi,smbios_live"]),
        (("samemachine-guest", "serve", "--config", ""), ["OPTION", "-o", "default"]),
        (("samemachine-guest", "serve", "--port", ""), []),
        (("samemachine-guest", "check-config", "/e"), ["OPTION", "-o", "default"]),
        (("samemachine", "check-config", "/e"), ["OPTION", "-o", "default"]),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)  # fmt: skip
def test_bash_offers(
    made: Path, environment: Mapping[str, str], words: tuple[str, ...], offered: list[str]
) -> None:
    if words[0] == "samemachine" and words[1] == "path" and not _dates():
        pytest.skip("distro-info-data is not installed: make system")
    assert complete(made, environment, *words) == offered


def _dates() -> bool:
    return Path("/usr/share/distro-info/debian.csv").exists()


def test_everything_is_offered(made: Path, environment: Mapping[str, str]) -> None:
    assert set(complete(made, environment, "samemachine", "")) == set(COMMANDS)
    assert set(complete(made, environment, "samemachine", "checks", "")) >= checks.IDS
    groups = complete(made, environment, "samemachine-guest", "report", "--group", "")
    assert sorted(groups) == sorted(NAMES)


def test_a_libvirt_that_does_not_answer_costs_a_second(
    made: Path, environment: Mapping[str, str], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "sock"))
        silent.listen()
        uri = f"qemu+unix:///system?socket={tmp_path}/sock"
        hung = {**environment, "LIBVIRT_DEFAULT_URI": uri}
        assert complete(made, hung, "samemachine", "show", "") == []
        silent.setblocking(False)
        caller, _ = silent.accept()
        caller.close()


@pytest.mark.parametrize(
    "uri", ["qemu+unix:///system?socket=/nowhere", "nonsense", "qemu:///nonsense", "http://["]
)
def test_no_libvirt_is_no_error(made: Path, environment: Mapping[str, str], uri: str) -> None:
    assert (
        complete(made, {**environment, "LIBVIRT_DEFAULT_URI": uri}, "samemachine", "why", "") == []
    )


@pytest.mark.parametrize(
    "file",
    ["zsh/_samemachine", "zsh/_samemachine-guest", "fish/samemachine.fish",
     "fish/samemachine-guest.fish"],
)  # fmt: skip
def test_other_shells_can_read_theirs(made: Path, file: str) -> None:
    shell = file.partition("/")[0]
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    done = subprocess.run(
        [shell, "-n", made / file], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("samemachine-guest rep", "report"),
        ("samemachine-guest report --group netw", "network"),
        ("samemachine show te", "test"),
    ],
)
def test_fish_offers(
    made: Path, environment: Mapping[str, str], tmp_path: Path, typed: str, offered: str
) -> None:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish here")
    program = f"source {made}/fish/{typed.split()[0]}.fish; complete -C '{typed}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", program],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert offered in [line.split("\t")[0] for line in done.stdout.splitlines()], done.stderr

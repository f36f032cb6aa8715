"""A command loads what it needs: what is imported, not how long it takes."""

import os
import re
import subprocess
import sys

import click
import pytest

from host_agent.cli import TABLE
from tests.commands import COMMANDS

OF_CLICK = {"click"}
SCREEN = OF_CLICK | {"rich"}
HEAVY = {
    "click", "distro_info", "elftools", "google", "grpc", "jinja2", "libvirt", "lxml",
    "prometheus_client", "psycopg", "rich", "sqlalchemy", "sqlite3", "tomllib",
}  # fmt: skip
GUEST_HEAVY = {"asyncio", "google", "grpc", "ssl"}


# What only an answer, a baseline, an upgrade or a listener needs.
SELDOM = {
    "host_agent.evidence.hardware",
    "host_agent.evidence.decode",
    "host_agent.evidence.baseline_element",
    "host_agent.records.upgrade_journal",
    "host_agent.hypervisor.events",
}


def imported(*words: str, said: str = "", **environment: str) -> set[str]:
    """The packages that a program loads until it ends; ``said``: what it must have printed."""
    return {name.partition(".")[0] for name in modules(*words, said=said, **environment)}


def modules(*words: str, said: str = "", **environment: str) -> set[str]:
    """The modules."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in ran.stdout
    return set(re.findall(r"\| +([\w.]+)$", ran.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("--version", OF_CLICK),
        ("--help", OF_CLICK),
        ("checks", SCREEN | {"tomllib"}),
        ("audit -c test:///default", SCREEN | {"tomllib", "libvirt", "lxml"}),
    ],
)
def test_a_command_loads_what_it_needs(words: str, needed: set[str]) -> None:
    assert imported("host_agent", *words.split()) & HEAVY == needed


def test_an_audit_loads_nothing_of_what_few_domains_have() -> None:
    assert modules("host_agent", "audit", "-c", "test:///default") & SELDOM == set()


def test_completion_loads_what_it_needs() -> None:
    # click names the variable after the program, which python -m makes one of three words.
    asked = {"_PYTHON _M HOST_AGENT_COMPLETE": "bash_complete"}
    typed = {"COMP_WORDS": "samemachine a", "COMP_CWORD": "1"}
    assert imported("host_agent", said="plain,audit\n", **asked, **typed) & HEAVY == OF_CLICK


@pytest.mark.parametrize(("words", "needed"), [("--version", set()), ("check", {"google"})])
def test_the_guest_side_loads_what_it_needs(words: str, needed: set[str]) -> None:
    assert imported("guest_agent", words) & GUEST_HEAVY == needed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_their_help_says(name: str) -> None:
    unloaded = click.Command(name, help=TABLE[name][1])
    assert unloaded.get_short_help_str(500) == COMMANDS[name].get_short_help_str(500)


def test_every_command_is_in_the_table() -> None:
    assert set(COMMANDS) == set(TABLE)

"""The man pages: they build clean, and say of commands and options what the code says."""

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from guest_agent import config as guest_config
from guest_agent.cli import argument_parser
from guest_agent.evidence import NAMES
from host_agent.cli import cli
from host_agent.commands.shared import config as host_config
from tests import man_pages
from tests.checkout import CHECKOUT
from tests.commands import COMMANDS
from tests.man_pages import MAN, Option

TOOLS = "go-md2man", "mandoc", "man"
GUEST = next(
    action
    for action in argument_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
).choices
OTHERS = {
    "samemachine.1", "samemachine-checks.7", "samemachine-guest.1", "samemachine-guest.conf.5",
    "samemachine-host.toml.5", "samemachine-inventory.5",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as they are packaged."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        why = f"{', '.join(missing)} not installed: make system"
        if os.environ.get("SAMEMACHINE_LAB") == "required":
            pytest.fail(why)
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("man")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1764547200"}
    subprocess.run([CHECKOUT / "packaging/make-man", folder], check=True, env=environment)
    return folder


@pytest.mark.parametrize("page", man_pages.pages(), ids=lambda page: page.stem)
def test_it_builds_and_nobody_complains(built: Path, page: Path) -> None:
    made = built / page.stem
    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "style", made], capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout) == (0, "")
    groff = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", made],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MANWIDTH": "80"},
    )
    assert (groff.returncode, groff.stderr) == (0, "")
    shown = re.sub(r".\x08", "", groff.stdout)
    # Nothing of Markdown is left over, and every page names its date.
    assert not re.search(r"\*\*|\]\(|```", shown), shown
    assert "2025-12-01" in shown
    assert f"{page.stem.rpartition('.')[0]} - " in shown


def test_every_command_has_its_page_and_no_other() -> None:
    commands = {f"samemachine-{name}.1" for name in COMMANDS}
    guests = {f"samemachine-guest-{name}.1" for name in GUEST}
    assert {page.stem for page in man_pages.pages()} == commands | guests | OTHERS


def test_the_first_pages_list_all_commands() -> None:
    for page, prefix, commands in (
        ("samemachine.1.md", "samemachine", set(COMMANDS)),
        ("samemachine-guest.1.md", "samemachine-guest", set(GUEST)),
    ):
        listed = re.findall(
            rf"^\[{prefix}-(\S+)\(1\)\]", man_pages.sections(MAN / page)["COMMANDS"], re.MULTILINE
        )
        assert sorted(listed) == sorted(commands)


def of_click(command: click.Command) -> Iterator[Option]:
    for one in command.params:
        if isinstance(one, click.Option):
            choices = one.type.choices if isinstance(one.type, click.Choice) else ()
            yield Option(
                names=frozenset((*one.opts, *one.secondary_opts)),
                value=None if one.is_flag or choices else one.metavar,
                choices=tuple(map(str, choices)),
                default=shown_default(one),
            )


def shown_default(one: click.Option) -> str | None:
    if one.is_flag and one.secondary_opts:
        return (one.opts if one.default else one.secondary_opts)[0].lstrip("-")
    if not one.show_default or one.is_flag:
        return None
    return f"{one.default:g}" if isinstance(one.default, float) else str(one.default)


def of_argparse(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for one in parser._actions:
        if one.option_strings and not isinstance(one, argparse._HelpAction):
            yield Option(
                names=frozenset(one.option_strings),
                choices=(),
                default=None,
                value=one.metavar if isinstance(one.metavar, str) else None,
            )


def compare(page: Path, code: list[Option]) -> None:
    told = list(man_pages.options(page))
    assert {one.names for one in told} == {one.names for one in code}
    assert len(told) == len(code)
    for one in code:
        (said,) = (other for other in told if other.names == one.names)
        assert (said.value, said.choices) == (one.value, one.choices), one.names
        if one.default is not None:
            assert said.default == one.default, one.names


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_are_those_of_the_code(name: str) -> None:
    page, command = MAN / f"samemachine-{name}.1.md", COMMANDS[name]
    compare(page, list(of_click(command)))
    synopsis = man_pages.sections(page)["SYNOPSIS"]
    for one in command.params:
        if isinstance(one, click.Argument):
            metavar = one.metavar or (one.name or "").upper()
            assert f"*{metavar.strip('[].').replace(']...', '')}*" in synopsis
        elif one.required:
            assert f"**{one.opts[0]}**" in synopsis


@pytest.mark.parametrize("name", GUEST)
def test_the_guests_options_are_those_of_the_code(name: str) -> None:
    compare(MAN / f"samemachine-guest-{name}.1.md", list(of_argparse(GUEST[name])))


@pytest.mark.parametrize("name", COMMANDS)
def test_exit_codes_are_those_of_the_help(name: str) -> None:
    help_ = (COMMANDS[name].epilog or "").partition("Exit codes:\n")[2]
    told = {int(code) for code in re.findall(r"^  (\d+)  ", help_, re.MULTILINE)}
    assert told
    assert man_pages.exit_codes(MAN / f"samemachine-{name}.1.md") == told


def test_the_options_before_a_command() -> None:
    help_ = Option(names=frozenset({"-h", "--help"}), value=None, choices=(), default=None)
    told = [one.names for one in man_pages.options(MAN / "samemachine.1.md")]
    assert set(told) == {help_.names, *(frozenset(one.opts) for one in cli.params)}


def test_the_hosts_configuration() -> None:
    told = man_pages.sections(MAN / "samemachine-host.toml.5.md")
    keys = dict(man_pages.terms(told["KEYS"]))
    assert [term.strip("*") for term in keys] == list(host_config.KEYS)
    for name, key in host_config.KEYS.items():
        said = keys[f"**{name}**"]
        default = {"": "empty", (): "empty", True: "true", False: "false"}.get(key.default)
        assert re.search(rf"Default: {default or format(key.default, 'g')}[.,]", said), name
        if key.most:
            assert f"from {key.least:g} to {key.most:g}" in said, name
    (example,) = re.findall(r"```\n(.*?)```", told["EXAMPLES"], re.DOTALL)
    assert host_config.parse(example, "the page")["serve.connect"] == "qemu:///system"


def test_the_guests_configuration() -> None:
    told = man_pages.sections(MAN / "samemachine-guest.conf.5.md")
    keys = [term.strip("*") for term, _ in man_pages.terms(told["KEYS"])]
    assert keys == [field.name.replace("_", "-") for field in fields(guest_config.Config)]
    groups = [term.strip("*") for term, _ in man_pages.terms(told["GROUPS"])]
    assert sorted(groups) == sorted(NAMES)
    (example,) = re.findall(r"```\n(.*?)```", told["EXAMPLES"], re.DOTALL)
    assert guest_config.parse(example).groups_off == ("network", "block")


@pytest.mark.parametrize("page", man_pages.pages(), ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem.rpartition('.')[0]}({page.stem[-1]})\n\n## NAME\n")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        # Where a page is a link to what is shipped, from there as well.
        assert (page.parent / target).exists(), target
        assert (page.resolve().parent / target).exists(), target
    for name, section, target in re.findall(r"\[([a-z.-]+)\((\d)\)\]\(([^)]+)\)", text):
        assert Path(target).name == f"{name}.{section}.md"

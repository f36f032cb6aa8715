"""The host side's configuration: its keys, its sample and the options that they set."""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from host_agent.cli import cli
from host_agent.commands.shared import config
from host_agent.commands.shared.configured import Configured, defaults
from host_agent.errors import UsageError
from tests.commands import COMMANDS

SAMPLE = Path(__file__).resolve().parents[5] / "packaging/config/host.toml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("probe = false", {"probe": False}),
        ("timeout = 5", {"timeout": 5}),
        ('connect = ["qemu:///system", "a:///b"]', {"connect": ("qemu:///system", "a:///b")}),
        ("[serve]\njobs = 4\nboot-wait = 1.5", {"serve.jobs": 4, "serve.boot-wait": 1.5}),
        ('serve.exec = "page me"', {"serve.exec": "page me"}),
        ('"ledger" = "postgresql://a@b/c"', {"ledger": "postgresql://a@b/c"}),
    ],
)
def test_what_is_set(text: str, expected: dict[str, config.Value]) -> None:
    assert config.parse(text, "host.toml") == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\ntimout = 3", "host.toml, line 2: unknown key 'timout'; did you mean timeout?"),
        ("[serve]\n\njob = 3", "line 3: unknown key 'serve.job'; did you mean serve.jobs?"),
        ("serve.job = 3", "line 1: unknown key 'serve.job'; did you mean serve.jobs?"),
        ("jobs = 3", "line 1: unknown key 'jobs'; did you mean serve.jobs?"),
        ("[serve]\n[serve.jobs]\nx = 1", "line 2: serve.jobs is a whole number from 1 to 64"),
        ("probe = true\n[daemon]\njobs = 3", "line 2: unknown key 'daemon'; known are: connect, "),
        ("serve = 1", "line 1: unknown key 'serve'"),
        ("ledger = 3", "line 1: ledger is a text, in quotes"),
        ('probe = "no"', "probe is true or false, without quotes"),
        ('connect = "qemu:///system"', "connect is a list of texts"),
        ("waive = [1]", "waive is a list of texts"),
        ('waive = [""]', "waive is a list of texts"),
        ("timeout = nan", "timeout is a number from 0.1 to 3600"),
        ("timeout = true", "timeout is a number from 0.1 to 3600"),
        ("[serve]\njobs = 0", "line 2: serve.jobs is a whole number from 1 to 64"),
        ("[serve]\njobs = 2.0", "serve.jobs is a whole number"),
        ("a = 1\n= 2", "host.toml is no TOML: Invalid statement (at line 2, column 1)"),
    ],
)
def test_what_is_wrong_is_named(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        config.parse(text, "host.toml")


@given(st.text() | st.sampled_from([*config.KEYS]).map(lambda key: f"{key} = 3\n[x\n"))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        assert set(config.parse(text, "f")) <= set(config.KEYS)
    except UsageError as error:
        assert str(error).startswith("f")


def sample_with_every_key_set() -> str:
    return re.sub(r"^#(?=[a-z-]+ = )", "", SAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_sample_sets_nothing() -> None:
    assert config.parse(SAMPLE.read_text(encoding="utf-8"), "sample") == {}


def test_the_sample_has_every_key_with_its_default() -> None:
    found = config.parse(sample_with_every_key_set(), "sample")
    assert list(found) == list(config.KEYS)
    assert found == {name: key.default for name, key in config.KEYS.items()}


def options() -> list[tuple[str, Configured]]:
    return [
        (name, option)
        for name, command in COMMANDS.items()
        for option in command.params
        if isinstance(option, Configured)
    ]


def test_every_key_is_an_options_default_and_has_its_name() -> None:
    assert {option.key for _, option in options()} == set(config.KEYS)
    for _, option in options():
        assert f"--{option.key.removeprefix('serve.')}" in option.opts


def test_serves_options_can_all_be_configured() -> None:
    (serve,) = [command for name, command in COMMANDS.items() if name == "serve"]
    # A look that somebody takes by hand.
    asked = [option for option in serve.params if option.name != "debug"]
    assert all(isinstance(option, Configured) for option in asked)


def test_the_command_line_and_the_environment_win() -> None:
    @click.command("serve")
    @click.option("--jobs", cls=Configured, key="serve.jobs")
    @click.option("--ledger", cls=Configured, key="ledger", envvar="LEDGER")
    def serve(jobs: int, ledger: str | None) -> None:
        click.echo(f"{jobs} {ledger}")

    group = click.Group("all", {"serve": serve})
    found = {"serve": defaults(serve, config.parse('ledger = "file"\n[serve]\njobs = 4', "f"))}

    def run(*arguments: str, **environment: str) -> str:
        ran = CliRunner().invoke(
            group, ["serve", *arguments], env={"LEDGER": None, **environment}, default_map=found
        )
        return ran.output.strip()

    assert run() == "4 file"
    assert run("--jobs", "5", LEDGER="other") == "5 other"
    assert run("--ledger", "third", LEDGER="other") == "4 third"
    assert defaults(serve, config.parse('ledger = ""', "f")) == {}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[serve]\njobs = 4", 0, "can be used; it sets serve.jobs"),
        ("", 0, "sets nothing"),
        ('[serve]\nexec = "it\'s"', 2, "No closing quotation"),
        ('waive = ["/nonexistent/waivers"]', 2, "/nonexistent/waivers can't be read"),
        ('ledger = "mysql://a/b"', 2, "not in mysql"),
        ("job = 1", 2, "line 1: unknown key 'job'"),
        ('waive = ["/dev/zero"]', 2, "/dev/zero is larger than 1 MiB"),
        ("#" * (1 << 20) + "\n", 2, "host.toml is larger than 1 MiB"),
    ],
)
def test_check_config(tmp_path: Path, text: str, code: int, said: str) -> None:
    file = tmp_path / "host.toml"
    file.write_text(text, encoding="utf-8")
    ran = CliRunner().invoke(cli, ["check-config", str(file)], standalone_mode=False)
    if code:
        assert isinstance(ran.exception, UsageError)
    assert said in (str(ran.exception) if code else ran.output)


def test_a_broken_configuration_stops_every_other_command(tmp_path: Path) -> None:
    file = tmp_path / "host.toml"
    file.write_text("jobs = 1", encoding="utf-8")
    ran = CliRunner().invoke(cli, ["--config", str(file), "history"], standalone_mode=False)
    assert isinstance(ran.exception, UsageError)
    missing = CliRunner().invoke(cli, ["--config", f"{file}2", "history"], standalone_mode=False)
    assert "there is no such file" in str(missing.exception)

"""What strangers named is printed as text, never as markup, and quoted in commands to paste."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

FILES = sorted((CHECKOUT / "host_agent").rglob("*.py"))
TERMINAL = CHECKOUT / "host_agent/commands/shared/console.py"
MARKUP = {"from_markup", "render_markup", "RichHandler", "Panel", "Prompt", "track"}
PRINTING = {"print", "add_row", "add_column", "log", "rule", "input"}
COMMAND = re.compile(
    r"(?:^|[\s:;(>])(samemachine|virsh|onevm|kubectl|virtctl|openstack|virt-xml) "
    r"[a-z-]+( --?[\w-]+)* $"
)
NAMES = re.compile(r"(^|\.|_)(name|title)$|^quoted\(.*name\)$")
WORD = re.compile(r"(argument|_called)\(")
"""What makes a domain's name a word that every program takes for a name."""


def nodes(file: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def on(call: ast.Call) -> str:
    """What a method is called on."""
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def bare(node: ast.expr) -> bool:
    """Tell whether an argument is a text that was put together."""
    made = isinstance(node, ast.JoinedStr | ast.BinOp)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        made = name in {"format", "join", "printable", "quoted", "str"}
    if isinstance(node, ast.BinOp):
        # A Text is put together with plus as well; it begins with one.
        return not ast.unparse(node).startswith("Text(")
    return made


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_text_that_is_put_together_is_read_as_markup(file: Path) -> None:
    for node in nodes(file):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        assert name not in MARKUP, f"{file}: {name}"
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in PRINTING and on(node) not in {"self", "math"}:
            for argument in node.args:
                assert not bare(argument), f"{file}:{argument.lineno}: {ast.unparse(argument)}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_consoles_are_made_in_one_place_and_know_no_markup(file: Path) -> None:
    for node in nodes(file):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in {"Console", "TextColumn"}:
            assert file == TERMINAL, f"{file}:{node.lineno}: use terminal.plain or terminal.shown"
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert given["markup"] == "False"
            assert node.func.id != "Console" or given["emoji"] == "False"


def unquoted(node: ast.JoinedStr) -> Iterator[str]:
    """Yield what follows a command in a text without being quoted."""
    before = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            before += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            said = ast.unparse(part.value)
            said = re.sub(r"^printable\((.*)\)$", r"\1", said)
            if COMMAND.search(before) and NAMES.search(said):
                yield said
            before += "X"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_names_in_commands_are_quoted(file: Path) -> None:
    module = ast.parse(file.read_text(encoding="utf-8"))
    for scope in ast.walk(module):
        if not isinstance(scope, ast.FunctionDef):
            continue
        quoted = {
            ast.unparse(node.targets[0])
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and WORD.match(ast.unparse(node.value))
        }
        for node in ast.walk(scope):
            if isinstance(node, ast.JoinedStr):
                assert set(unquoted(node)) <= quoted, f"{file}:{node.lineno}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('f"virsh resume {name}"', ["name"]),
        ('f"or samemachine upgrade {one.title} --to x"', ["one.title"]),
        ('f"virsh edit {argument(name, uuid)}"', []),
        # Quoted alone it may be an option, or a number.
        ('f"virsh edit {quoted(one.name)}"', ["quoted(one.name)"]),
        ('f"the domain {name} is off"', []),
        ('f"virsh start {printable(a.name)}"', ["a.name"]),
    ],
)
def test_what_the_rule_finds(text: str, found: list[str]) -> None:
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.JoinedStr)
    assert list(unquoted(node)) == found

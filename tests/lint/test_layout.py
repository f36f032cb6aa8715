"""``# fmt: skip`` stands after a table of literal rows alone: the formatter lays out the rest."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

_MARK = "# fmt: skip"
_DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.Dict)
_FROZEN = {"MappingProxyType", "frozenset"}


def tables(tree: ast.Module) -> set[int]:
    """The last lines of what may be laid out by hand: rows that are assigned, or a test's."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_rows(node.value):
            found.add(node.end_lineno or 0)
        elif isinstance(node, ast.FunctionDef):
            found |= {one.end_lineno or 0 for one in node.decorator_list if _is_parametrize(one)}
    return found


def _is_rows(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in _FROZEN and len(value.args) == 1 and _is_rows(value.args[0])
    return isinstance(value, _DISPLAYS)


def _is_parametrize(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(".parametrize")


def marks(source: str) -> Iterator[int]:
    """The lines that end with the mark."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and _MARK in token.string:
            yield token.start[0]


def sources() -> Iterator[Path]:
    for folder in ("host_agent", "guest_agent", "proto", "tests", "packaging"):
        yield from sorted((CHECKOUT / folder).rglob("*.py"))


def test_only_tables_are_laid_out_by_hand() -> None:
    wrong = [
        f"{file.relative_to(CHECKOUT)}:{line}"
        for file in sources()
        if _MARK in (source := file.read_text(encoding="utf-8"))
        for line in set(marks(source)) - tables(ast.parse(source))
    ]
    assert wrong == []


ROWS = "[\n    1, 2,\n]"


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        (f"A = {ROWS}", True),
        (f"A: list[int] = {ROWS}", True),
        (f"A = frozenset({ROWS})", True),
        (f"@pytest.mark.parametrize('a', {ROWS})", True),
        (f"run({ROWS})", False),
        (f"A = run({ROWS})", False),
        (f"@other({ROWS})", False),
        ("assert 1 in (\n    1, 2,\n)", False),
    ],
)
def test_what_a_table_is(source: str, allowed: bool) -> None:
    whole = f"{source}  {_MARK}\n" + ("def test(): ...\n" if source.startswith("@") else "")
    assert (set(marks(whole)) <= tables(ast.parse(whole))) is allowed

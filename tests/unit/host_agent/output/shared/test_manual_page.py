"""The manual's page on findings: complete, true to the code's outcomes, and of its form."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from host_agent import checks
from host_agent.finding import Outcome
from host_agent.output.shared import manual_page

HOST_AGENT = Path(checks.__file__).parents[1]
ENTRIES = {one.id: one for one in manual_page.entries()}
PARTS = (
    "now", "against the baseline", "before a move", "in a plan", "before a machine type is raised",
)  # fmt: skip
# What functions that checks share come to, by their names.
SHARED = {
    "judged": {"pass", "fail", "warn"}, "groups": {"skip", "unknown"}, "sides": {"skip", "unknown"},
    "before": {"skip", "unknown"}, "forecast": {"pass", "warn", "unknown"},
    "judge": {"pass", "fail", "unknown"}, "offered": {"skip", "unknown"}, "lacking": {"unknown"},
    "unknown": {"unknown"}, "not_running": {"skip"}, "stored": {"skip", "unknown"},
    "keyed": {"skip", "unknown"}, "asking": {"warn"}, "without_asking": {"pass", "unknown"},
    "of_start": {"pass", "warn", "unknown"}, "passed": {"pass"}, "warned": {"warn"},
}  # fmt: skip
# What no single expression shows: clocks and keys are the guest's and never fail; a plan and a
# move differ.
NEVER = {"clock": {"fail"}, "same-uefi": {"fail"}}
ALSO = {
    "move-refusal": {"fail", "unknown", "warn"}, "move-storage": {"pass"},
    "plan-local-disks": {"fail"},
    "move-firmware": {"fail", "unknown"}, "plan-firmware": {"fail", "unknown"},
}  # fmt: skip
# Passed by what is made for several findings.
HELPERS = {"_fail": "fail", "_pass": "pass", "_warn": "warn"}


def outcomes_in(node: ast.AST) -> set[str]:
    return {
        Outcome[one.attr].value
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and isinstance(one.value, ast.Name)
        and one.value.id == "Outcome"
    }


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node


def of_preparations() -> Mapping[str, set[str]]:
    """Ids and outcomes of the findings before a move, in a plan, before an upgrade."""
    found: dict[str, set[str]] = defaultdict(set, {key: set(has) for key, has in ALSO.items()})
    for file in sorted(HOST_AGENT.rglob("*.py")):
        for name, call in calls(file):
            given = {word.arg: word.value for word in call.keywords}
            check = given.get("check")
            if name == "Finding" and isinstance(check, ast.Constant) and "-" in str(check.value):
                found[str(check.value)] |= outcomes_in(given["outcome"])
            elif name in {"unknown", "not_running", "of_start"} and isinstance(
                call.args[0], ast.Constant
            ):
                found[str(call.args[0].value)] |= SHARED[name]
            elif name in HELPERS and file.match("upgrade/preflight.py") and call.args:
                found[f"upgrade-{ast.literal_eval(call.args[0])}"].add(HELPERS[name])
    return found


def of_checks() -> Mapping[str, set[str]]:
    """Ids of the checks, and the outcomes that each can come to."""
    found = {}
    for file in sorted((HOST_AGENT / "checks").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        ids = [
            node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and [target.id for target in node.targets if isinstance(target, ast.Name)] == ["ID"]
        ]
        for id_ in ids:
            # An outcome that is asked for (``is Outcome.SKIP``) is one that it can have.
            has = outcomes_in(tree)
            for name, _ in calls(file):
                has |= SHARED.get(name, set())
            found[str(id_)] = has - NEVER.get(str(id_), set())
    return found


def test_every_finding_has_its_paragraph() -> None:
    assert set(of_checks()) == checks.IDS
    assert set(ENTRIES) == checks.IDS | set(of_preparations())


@pytest.mark.parametrize(
    ("id_", "outcomes"),
    sorted({**of_checks(), **of_preparations()}.items()),
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_outcomes_are_those_of_the_code(id_: str, outcomes: set[str]) -> None:
    assert set(ENTRIES[id_].outcomes) == outcomes


@pytest.mark.parametrize("one", ENTRIES.values(), ids=lambda one: one.id)
def test_each_is_whole(one: manual_page.Entry) -> None:
    assert one.part in PARTS
    assert one.question.endswith("?")
    for text in (one.compares, one.remedy, one.source, *one.outcomes.values()):
        assert text.endswith(".")
        assert not {"*", "`", "\n"} & set(text)


def test_checks_stand_in_the_order_in_which_they_are_shown() -> None:
    shown = [check.ID for check in checks.ALL]
    assert [one for one in ENTRIES if one in checks.IDS] == shown


QUESTION = "\n## NOW\n\n### x\n\nWhat?\n\n"
END = "\n\n**Remedy**\n: R.\n\n**Source**\n: S.\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{QUESTION}This.\n\n**pass**\n: Yes.\n\n**Remedy**\n: R.\n",
        f"{QUESTION}**pass**\n: Yes.{END}",
        f"{QUESTION}This.\n\n**maybe**\n: So.{END}",
    ],
    ids=["no source", "nothing compared", "no outcome of ours"],
)
def test_a_page_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(manual_page.ManualError, match="x: "):
        manual_page.parse(text)


def test_a_page_of_the_form_is_read() -> None:
    (one,) = manual_page.parse(
        f"{QUESTION}*This*, [that](a.md).\n\n**pass**\n: Yes,\n  `it` is.{END}"
    )
    assert (one.id, one.part, one.compares) == ("x", "now", "This, that.")
    assert one.outcomes == {Outcome.PASS: "Yes, it is."}

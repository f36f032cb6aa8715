"""A fault in putting one domain into words is that domain's failure, in each command that lists."""

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from host_agent.cli import cli
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import entry
from tests.integration.test_plan_command import domain, node

NAMES = "one", "hostile", "three"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return node(tmp_path, *(domain(at, name, "pc-q35-7.2") for at, name in enumerate(NAMES, 1)))


def _name(thing: Any) -> str | None:
    for path in ("name", "case.declared.definition", "audited.case.declared.definition", "planned"):
        found = thing
        for word in path.split("."):
            found = getattr(found, word, None)
        found = getattr(found, "name", found)
        if isinstance(found, str):
            return found
    return None


def _is_replaced(thing: Any) -> bool:
    findings = [one.sentence for one in getattr(thing, "findings", ())]
    said = [getattr(thing, "error", None), *findings]
    return any("can't be told" in one for one in said if one) or (
        getattr(thing, "definition", thing) is None
    )


def _stumbling(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with a fault of ours where it meets what nobody foresaw in one domain."""

    def stumbles(thing: Any, *rest: Any) -> Any:
        if _name(thing) == "hostile" and not _is_replaced(thing):
            raise IndexError("nobody foresaw this")
        return function(thing, *rest)

    return stumbles


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = cli.main(list(map(str, arguments)), standalone_mode=False)
    return int(code), capsys.readouterr().out


JSON = "--format", "json"


@pytest.mark.parametrize(
    ("arguments", "place", "code"),
    [
        (("audit", "--no-probe"), "host_agent.output.shared.names.owner.of", 3),
        (("audit", "--no-probe", *JSON), "host_agent.output.audit_document.domain_form", 3),
        (("verify", "--all", "-v", "--no-probe"), "host_agent.output.verify.called", 3),
        (("verify", "--all", "--no-probe", *JSON), "host_agent.output.verify.confirmed_form", 3),
        (("plan", "--to", "debian:bookworm", "--no-probe"), "host_agent.output.plan.whose", 3),
        (("plan", "--to", "debian:bookworm", "--no-probe", *JSON),
         "host_agent.output.plan_document._domain", 3),
        (("plan", "--to", "debian:bookworm", "--no-probe", "--format", "html"),
         "host_agent.output.plan_document.whose", 3),
        (("enroll", "--all", "--dry-run"), "host_agent.output.enroll.whose", 4),
        (("enroll", "--all", "--dry-run", *JSON), "host_agent.output.enroll._form", 4),
    ],
)  # fmt: skip
def test_the_others_are_told(
    uri: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    place: str,
    code: int,
) -> None:
    ledger = ("--ledger", tmp_path / "ledger") if arguments[0] == "verify" else ()
    verbose = ("--verbose",) if arguments[0] in {"audit", "plan"} else ()
    _run(capsys, *arguments, *verbose, "-c", uri, *ledger)
    monkeypatch.setattr(place, _stumbling(resolve_name(place)))
    got, out = _run(capsys, *arguments, *verbose, "-c", uri, *ledger)
    for name in NAMES:
        assert name in out
    assert "be told: IndexError: nobody foresaw this" in " ".join(out.split())
    assert got == code


@pytest.mark.parametrize(
    ("form", "place"),
    [("text", "host_agent.output.history._cells"), ("json", "host_agent.output.history._form")],
)
def test_an_entry_costs_no_history(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    place: str,
) -> None:
    file = tmp_path / "ledger.sqlite"
    Ledger(str(file)).append(*(entry(name=name, title=None) for name in NAMES))
    monkeypatch.setattr(place, _stumbling(resolve_name(place)))
    code, out = _run(capsys, "history", "--ledger", file, "--format", form)
    assert code == 0
    assert all(name in out for name in NAMES)
    assert out.count("can't be told: IndexError: nobody foresaw this") == 1

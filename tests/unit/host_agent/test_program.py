"""How the program ends, whatever happens in it."""

import pytest

from host_agent import cli


def test_what_nobody_foresaw_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> int:
        raise ZeroDivisionError("\x1b[31munforeseen")

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(cli.cli, "main", fail)
    monkeypatch.setattr(cli, "_leave", leave)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 3
    said = capsys.readouterr().err
    assert "ZeroDivisionError: \\x1b[31munforeseen in test_program.py" in said
    assert "Traceback" not in said
    assert "\x1b" not in said

"""The guest side's configuration: what is wrong in it is named, and its sample is true."""

import re
from pathlib import Path

import pytest

from guest_agent import cli, config
from guest_agent.config import Config
from guest_agent.errors import ConfigError

SAMPLE = Path(__file__).resolve().parents[3] / "packaging/config/guest.conf"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[guest]\n\nprot = x", "f, line 3: unknown key 'prot'; did you mean port?"),
        ("[guest]\nxyz: x", "f, line 2: unknown key 'xyz'; known are: port, "),
        ("\n[host]", "f, line 2: unknown section [host]"),
        ("[guest]\ngroups-off = boot, bot", "f, line 2: groups-off: there is no group 'bot'"),
        ("[guest]\nidle-seconds = 0", "f, line 2: idle-seconds is a number from 1 to 86400"),
        ("[guest]\nidle-seconds = nan", "f, line 2: idle-seconds is a number from 1 to 86400"),
        ("[guest]\nidle-seconds = soon", "f: could not convert string to float: 'soon'"),
    ],
)
def test_what_is_wrong_is_named(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        config.parse(text, "f")


def test_the_sample_has_every_key_with_its_default() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert re.findall(r"^#([a-z-]+) =", text, re.MULTILINE) == list(config.KEYS)
    assert config.parse(text) == Config()
    assert config.parse(re.sub(r"^#(?=[a-z-]+ =)", "", text, flags=re.MULTILINE)) == Config()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[guest]\nrefresh-fw-cfg = yes", 0, "can be used; it changes refresh-fw-cfg"),
        ("", 0, "it changes nothing"),
        ("[guest]\nprot = x", 2, "line 2: unknown key 'prot'"),
        ("#" * (1 << 20) + "\n", 2, "guest.conf is larger than 1 MiB"),
    ],
)
def test_check_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str
) -> None:
    file = tmp_path / "guest.conf"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        cli.main(["check-config", str(file)])
    assert left.value.code == code
    captured = capsys.readouterr()
    assert said in (captured.err if code else captured.out)

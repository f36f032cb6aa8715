"""One version, wherever it is written."""

import re
import tomllib

import guest_agent
import host_agent
from tests.checkout import CHECKOUT


def test_all_say_the_same_version() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    changelog = (CHECKOUT / "packaging/debian/changelog").read_text(encoding="utf-8")
    debian = re.match(r"samemachine \(([^)-]+)-", changelog)
    news = re.search(
        r"^## (\d+\.\d+\.\d+) \((?:not released|\d{4}-\d\d-\d\d)\)$",
        (CHECKOUT / "NEWS.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    collection = re.search(
        r"^version: (\S+)$",
        (CHECKOUT / "packaging/ansible/galaxy.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert debian
    assert collection
    assert news
    assert {
        project["project"]["version"],
        guest_agent.__version__,
        debian[1],
        news[1],
        collection[1],
    } == {host_agent.__version__}

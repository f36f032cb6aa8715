"""Which libvirt is meant where none is named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.commands.shared import default_uri

CONF = 'uri_default = "qemu+ssh://node/system"\n'
VIRSH, LIBVIRT = "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"


@pytest.mark.parametrize(
    ("environment", "conf", "uri"),
    [
        ({VIRSH: "test:///a", LIBVIRT: "test:///b"}, CONF, "test:///a"),
        ({VIRSH: "", LIBVIRT: "test:///b"}, CONF, "test:///b"),
        ({LIBVIRT: "test:///b"}, CONF, "test:///b"),
        ({LIBVIRT: ""}, CONF, "qemu+ssh://node/system"),
        ({}, CONF, "qemu+ssh://node/system"),
        ({}, "", "qemu:///system"),
        ({}, None, "qemu:///system"),
    ],
)
@pytest.mark.parametrize("user", [0, 1000])
def test_the_order(
    environment: dict[str, str], conf: str | None, uri: str, user: int, tmp_path: Path
) -> None:
    file = tmp_path / ("home/u/.config" if user else "etc") / "libvirt/libvirt.conf"
    if conf is not None:
        file.parent.mkdir(parents=True)
        file.write_text(conf, encoding="utf-8")
    assert default_uri.of({"HOME": "/home/u", **environment}, tmp_path, user) == uri


def test_nobodys_file_is_anothers(tmp_path: Path) -> None:
    file = tmp_path / "etc/libvirt/libvirt.conf"
    file.parent.mkdir(parents=True)
    file.write_text(CONF, encoding="utf-8")
    assert default_uri.of({"HOME": "/home/u"}, tmp_path, 1000) == "qemu:///system"
    own = tmp_path / "cfg/libvirt/libvirt.conf"
    own.parent.mkdir(parents=True)
    own.write_text("uri_default='test:///own'", encoding="utf-8")
    environment = {"HOME": "/home/u", "XDG_CONFIG_HOME": "/cfg"}
    assert default_uri.of(environment, tmp_path, 1000) == "test:///own"
    assert default_uri.of({}, tmp_path, 1000) == "qemu:///system"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (CONF, "qemu+ssh://node/system"),
        ("  uri_default\t= 'test:///x' # mine\n", "test:///x"),
        ('#uri_default = "qemu:///system"\n', None),
        ('uri_aliases = [\n  "a=b",\n]\n', None),
        ("uri_default = 5\n", None),
        ('uri_default = ""\n', None),
        ('uri_default = "a\nb"\n', None),
    ],
)
def test_the_setting(text: str, uri: str | None) -> None:
    assert default_uri.setting(text) == uri


@given(st.text())
def test_any_text_has_one_or_none(text: str) -> None:
    found = default_uri.setting(text)
    assert found is None or ("\n" not in found and found)

"""virtio-serial controllers, their free ports, and our channel."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain.definition import DomainXmlError
from host_agent.domain.virtio_serial import CHANNEL, parse

CONTROLLER = "<controller type='virtio-serial' index='{}' {}/>"
OTHER = (
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>"
    "<address type='virtio-serial' controller='0' bus='0' port='{}'/></channel>"
)
CONSOLE = "<console type='pty'><address type='virtio-serial' controller='0' port='0'/></console>"


def domain(*devices: str) -> str:
    return f"<domain><devices>{''.join(devices)}</devices></domain>"


ROWS = [
    ((), [], False),
    (("<controller type='usb' index='0'/>",), [], False),
    ((CONTROLLER.format(0, ""),), [(0, 30)], True),
    ((CONTROLLER.format(0, ""), OTHER.format(1)), [(0, 29)], True),
    # A console on port 0 takes none that a channel could have.
    ((CONTROLLER.format(0, "ports='2'"), CONSOLE), [(0, 1)], True),
    ((CONTROLLER.format(0, "ports='2'"), OTHER.format(1)), [(0, 0)], False),
    ((CONTROLLER.format(0, "ports='1'"),), [(0, 0)], False),
    (
        (CONTROLLER.format(0, "ports='2'"), OTHER.format(1), CONTROLLER.format(1, "ports='4'")),
        [(0, 0), (1, 3)], True,
    ),
    ((CONTROLLER.format("x", "ports='-4'"),), [(0, 30)], True),
]  # fmt: skip


@pytest.mark.parametrize(("devices", "controllers", "room"), ROWS)
def test_free_ports(devices: tuple[str, ...], controllers: list[object], room: bool) -> None:
    found = parse(domain(*devices))
    assert [(one.index, one.free) for one in found.controllers] == controllers
    assert found.has_room is room
    assert found.channel is None


def test_our_channel_is_found_as_it_is() -> None:
    ours = CHANNEL.replace("</channel>", "<address type='virtio-serial' port='2'/></channel>")
    found = parse(domain(OTHER.format(1), ours))
    assert found.channel is not None
    assert "port=" in found.channel
    assert parse(domain(found.channel)).channel == found.channel


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DomainXmlError):
        parse(text)

"""Device models of a command line, in both forms that libvirt writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain.device_models import models


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("-device virtio-blk-pci,bus=pci.0,drive=d -device e1000", {"virtio-blk-pci", "e1000"}),
        ("-device driver=usb-tablet,id=input0", {"usb-tablet"}),
        ('-device {"driver":"am53c974","id":"scsi0"}', {"am53c974"}),
        ('-device {"driver":1} -device {"id":"x"} -device {"dri -device []', {"[]"}),
        ("-machine q35,pflash0=code -m 512", {"cfi.pflash01"}),
        ("-drive if=pflash,file=x -drive file=y,if=none", {"cfi.pflash01"}),
        ("-cpu e1000 -device", set()),
        ("-device ,x", set()),
        ("", set()),
    ],
)
def test_models(arguments: str, found: set[str]) -> None:
    assert models(("qemu", *arguments.split())) == found


@given(st.lists(st.text(max_size=6) | st.sampled_from(["-device", "-drive", '{"driver":"a"}'])))
def test_any_arguments_are_read(arguments: list[str]) -> None:
    assert all(models(arguments))

"""``info qom-tree`` as QEMU 5.2 to 11.1 print it."""

from hypothesis import given
from hypothesis import strategies as st

from host_agent.qemu.qom_tree import models

TREE = r"""/machine (pc-q35-5.2-machine)
  /fw_cfg (fw_cfg_io)
    /\x2from@etc\x2facpi\x2frsdp[0] (memory-region)
  /peripheral (container)
    /net0 (e1000)
      /e1000-io[0] (memory-region)
  /peripheral-anon (container)
    /device[0] (VGA)
      /vga ioports remapped[0] (memory-region)
    /device[1] (virtio-net-pci)
      /virtio-backend (virtio-net-device)
  /q35 (q35-pcihost)
    /mch (mch)
  /unattached (container)
    /device[10] (ICH9 SMB)
    /pci bus (PCIE)
    /system[0] (memory-region)
"""


def test_the_machines_own_and_not_what_was_added() -> None:
    assert models(TREE) - {"memory-region", "container"} == {
        "pc-q35-5.2-machine",
        "fw_cfg_io",
        "q35-pcihost",
        "mch",
        "ICH9 SMB",
        "PCIE",
    }
    assert models(TREE.replace("\n", "\r\n")) == models(TREE)


def test_lines_that_are_none_are_left_out() -> None:
    assert models("") == frozenset()
    assert models("Error: no\n/a (b\n/x (hpet)\n" + f"/y ({'z' * 600})\n") == {"hpet"}
    assert models("/x (\x1b[2J)\n") == {"\\x1b[2J"}


@given(st.text(alphabet="/ ()ab\n", max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert all(models(text))

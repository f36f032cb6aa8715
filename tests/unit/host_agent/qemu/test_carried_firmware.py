"""The firmware that came with a guest, read where a PC has it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import carried_firmware
from host_agent.qemu.rehearsal_flash import Flash

SIZE = 3653632
IMAGE = (bytes(40) + b"_FVH").ljust(SIZE, b"\xff")
FLASH = Flash(code="/CODE.fd", form="raw", store=True)


@dataclass
class Memory:
    """What can be read of a domain's memory."""

    content: bytes = IMAGE
    trouble: EvidenceError | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)

    def peek_memory(self, address: int, length: int, seconds: float) -> bytes:
        assert seconds
        self.asked.append((address, length))
        if self.trouble is not None:
            raise self.trouble
        return self.content[:length]


def image(memory: Any, root: Path) -> bytes:
    return carried_firmware.image(memory, FLASH, root)


@pytest.mark.parametrize("head", [b"", b"QFI\xfb" + bytes(20) + SIZE.to_bytes(8, "big")])
def test_the_image_below_4_gib(tmp_path: Path, head: bytes) -> None:
    """As large as the file here, whatever is in that; of a qcow2 it says so itself."""
    (tmp_path / "CODE.fd").write_bytes(head or bytes(SIZE))
    memory = Memory()
    assert image(memory, tmp_path) == IMAGE
    assert memory.asked == [((1 << 32) - SIZE, SIZE)]


@pytest.mark.parametrize(
    ("memory", "size", "reason", "words"),
    [
        (Memory(content=bytes(SIZE)), SIZE, Reason.FAILED, "should be is none"),
        (Memory(trouble=EvidenceError(Reason.HUNG, "no answer")), SIZE, Reason.HUNG,
         "that the guest came with can't be read: no answer"),
        (Memory(), 0, Reason.FAILED, "no size that a flash has"),
        (Memory(), SIZE + 1, Reason.FAILED, "no size that a flash has"),
        (Memory(), 9 << 20, Reason.FAILED, "no size that a flash has"),
        (Memory(), None, Reason.FAILED, "/CODE.fd can't be read"),
    ],
)  # fmt: skip
def test_what_can_not_be_read(
    tmp_path: Path, memory: Memory, size: int | None, reason: Reason, words: str
) -> None:
    if size is not None:
        with (tmp_path / "CODE.fd").open("wb") as file:
            file.truncate(size)
    with pytest.raises(EvidenceError, match=words) as raised:
        image(memory, tmp_path)
    assert raised.value.missing.reason is reason

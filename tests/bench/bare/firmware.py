"""Floor: QEMU started, and quit when its firmware has left both anchors. Given a file of commands.

Whether it has is seen as cheaply as can be: the segment in which a BIOS leaves them, saved again
and again by QEMU itself.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEGMENT, SIZE = 0xE0000, 0x20000
PAUSE = 0.01


def run(command: list[str], file: Path) -> None:
    saving = {"val": SEGMENT, "size": SIZE, "filename": str(file)}
    with subprocess.Popen(
        [*command, "-qmp", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as qemu:
        ask(qemu, "qmp_capabilities", {})
        while True:
            ask(qemu, "pmemsave", saving)
            if has_both(file.read_bytes()):
                break
            time.sleep(PAUSE)
        ask(qemu, "quit", {})


def ask(qemu: "subprocess.Popen[bytes]", command: str, arguments: dict[str, object]) -> None:
    if qemu.stdin is None or qemu.stdout is None:
        raise RuntimeError("QEMU has no pipes")
    qemu.stdin.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
    qemu.stdin.flush()
    for line in qemu.stdout:
        if b'"return"' in line:
            return
        if b'"error"' in line:
            raise RuntimeError(line.decode())
    raise RuntimeError("QEMU ended")


def has_both(memory: bytes) -> bool:
    # The firmware's own code has their letters as well; the root pointer is completed last.
    return is_there(memory, b"RSD PTR ", 20) and is_there(memory, b"_SM_", 0)


def is_there(memory: bytes, letters: bytes, length: int) -> bool:
    places = (at for at in range(0, len(memory) - 36, 16) if memory.startswith(letters, at))
    return any(sum(memory[at : at + (length or memory[at + 5])]) % 256 == 0 for at in places)


with tempfile.TemporaryDirectory() as folder:
    for command in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        run(command, Path(folder, "segment"))

"""Floor: QEMU with a new TPM, ended when its firmware has closed PCR 0 to 7. Given a file of boots.

Where the event log will be is given, so what is saved again and again by QEMU itself is that alone.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STORE, TPM = 50, 51
"""The descriptors that the command lines name."""
SIZE = 0x10000
PAUSE = 0.01


def run(boot: dict[str, Any], folder: Path) -> None:
    ours, theirs = socket.socketpair()
    os.dup2(ours.fileno(), TPM)
    if boot["store"]:
        shutil.copyfile(str(boot["store"]), folder / "store")
        os.dup2(os.open(folder / "store", os.O_RDWR), STORE)
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}"]
    command += ["--ctrl", f"type=unixio,clientfd={theirs.fileno()}"]
    with subprocess.Popen(command, pass_fds=(theirs.fileno(),)) as tpm:
        theirs.close()
        saving = {"val": boot["address"], "size": SIZE, "filename": str(folder / "log")}
        with subprocess.Popen(
            [*boot["command"], "-qmp", "stdio"],
            pass_fds=(STORE, TPM) if boot["store"] else (TPM,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as qemu:
            ask(qemu, "qmp_capabilities", {})
            while True:
                ask(qemu, "pmemsave", saving)
                if is_closed((folder / "log").read_bytes()):
                    break
                time.sleep(PAUSE)
            # Asked to quit, QEMU 7.2 once waited for its TPM for ever.
            qemu.kill()
        tpm.kill()


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


def is_closed(log: bytes) -> bool:
    # A register, and the type of its separator.
    return all(bytes([pcr, 0, 0, 0, 4, 0, 0, 0]) in log for pcr in range(8))


for boot in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
    with tempfile.TemporaryDirectory() as place:
        run(boot, Path(place))

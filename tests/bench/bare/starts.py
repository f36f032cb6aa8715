"""Floor: QEMU started paused, and quit. Called with a file of commands, and how many at once."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

QUIT = b'{"execute": "qmp_capabilities"}\n{"execute": "quit"}\n'


def start_and_quit(command: list[str]) -> None:
    subprocess.run([*command, "-S", "-qmp", "stdio"], input=QUIT, check=True, capture_output=True)


commands = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
with ThreadPoolExecutor(max_workers=int(sys.argv[2])) as pool:
    list(pool.map(start_and_quit, commands))

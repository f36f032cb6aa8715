"""Floor: each file of a folder, read and hashed. Prints the seconds that it took."""

import hashlib
import sys
import time
from pathlib import Path

files = sorted(Path(sys.argv[1]).iterdir())
started = time.perf_counter()
for file in files:
    hashlib.sha256(file.read_bytes()).digest()
print(time.perf_counter() - started)

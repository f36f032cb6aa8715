"""A report of one guest, and nothing else: prints the seconds that it took.

``python -m tests.bench.one_report [SOCKET]``, of the domain's channel; without one it waits for a
line with it, so that its own start is over by then.
"""

import sys
import time

from host_agent.guest import link
from host_agent.guest.ways import SocketStream

_SECONDS = 60.0


def main(path: str | None) -> None:
    if path is None:
        print("ready", flush=True)
        path = sys.stdin.readline().strip()
    started = time.perf_counter()
    stream = SocketStream.connect(path)
    try:
        link.ask(stream, time.monotonic() + _SECONDS)
    finally:
        stream.close()
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

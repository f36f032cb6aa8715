"""An atlas of this host's QEMU, beside only starting and quitting QEMU with the same options.

Run on a host of the lab by ``python -m tests.bench``; prints JSON.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import machine_list
from host_agent.qemu import options as qemu_options
from host_agent.qemu.atlas_probe import at_once, default_binary, survey
from host_agent.qemu.options import ProbeOptions

ROUNDS = 5
_QUIT = b'{"execute": "qmp_capabilities"}\n{"execute": "quit"}\n'


def start_and_quit(binary: str, options: ProbeOptions) -> None:
    """The least that one probe can be: QEMU paused, and ended at its own pace."""
    subprocess.run(
        [
            binary,
            "-no-user-config",
            "-nodefaults",
            "-display",
            "none",
            "-S",
            "-qmp",
            "stdio",
            *options.command(),
        ],
        input=_QUIT,
        check=False,
        capture_output=True,
    )


def seconds(function: Callable[[], object]) -> float:
    """Return what a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main() -> int:
    """Measure both in turn, and print."""
    binary = default_binary(None)
    offer = machine_list.offer(qemu_binary.installed(binary))
    devices = qemu_options.devices_for_roms(offer.devices)
    machines = [one.name for one in survey(binary).machines if one.fingerprint is not None]
    options = [qemu_options.bare(name, offer.architecture, devices) for name in machines]

    def floor() -> None:
        # Which types there are must be asked as well.
        subprocess.run([binary, "-machine", "help"], check=True, capture_output=True)
        with ThreadPoolExecutor(max_workers=at_once()) as pool:
            list(pool.map(lambda one: start_and_quit(binary, one), options))

    rounds = [(seconds(floor), seconds(lambda: survey(binary, machines))) for _ in range(ROUNDS)]
    usage = [
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    json.dump(
        {
            "qemu": offer.version,
            "types": len(machines),
            "at_once": at_once(),
            "rounds": ROUNDS,
            "floor": statistics.median(one for one, _ in rounds),
            "ours": statistics.median(two for _, two in rounds),
            "ratio": statistics.median(two / one for one, two in rounds),
            "own_kib": usage[0],
            "largest_qemu_kib": usage[1],
        },
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``samemachine-lab``, or ``python -m tests.lab``: the lab by hand."""

import argparse
import os
import signal
import subprocess
import sys

from tests.lab import lab, pace
from tests.lab.guest import GuestOptions
from tests.lab.host import ENVIRONMENT
from tests.lab.matrix import command as matrix


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="samemachine-lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build all images into the cache")
    up = commands.add_parser("up", help="keep hosts up, until Ctrl-C")
    up.add_argument("hosts", nargs="*", default=["hosta"], choices=["hosta", "hostb"])
    shell = commands.add_parser("shell", help="a shell on a host, with a guest 'vm1' on it")
    shell.add_argument("host", choices=["hosta", "hostb"])
    commands.add_parser("pace", help="boot a guest and print how slow this machine is")
    matrix.add(commands)
    options = parser.parse_args()
    if options.command == "matrix":
        return matrix.command(options)
    why = lab.hindrance()
    if why is not None:
        print(why, file=sys.stderr)
        return 1
    if options.command == "build":
        lab.build()
        return 0
    with lab.running() as running:
        if options.command == "pace":
            running.host("hosta").guest(GuestOptions(name="first")).start().wait_ready()
            print(f"{pace.measured():.1f}")
        elif options.command == "up":
            for name in options.hosts:
                running.host(name)
            print("up", flush=True)
            signal.pause()
        else:
            host = running.host(options.host)
            host.guest(GuestOptions(name="vm1")).start()
            command = host.command("bash", "-i")
            subprocess.run(
                command, env={**ENVIRONMENT, "TERM": os.environ.get("TERM", "")}, check=False
            )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

"""``make demo``: boots real guests under a real libvirt, spoils two of them, and audits them."""

import sys
import time

from tests.lab import cache
from tests.lab import lab as laboratory
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

_LIE = {"system": {"version": "pc-q35-9.2"}}
GUESTS = (
    GuestOptions(name="web1", machine="pc-q35-7.2"),
    GuestOptions(name="edited", machine="pc-i440fx-7.2"),
    GuestOptions(name="liar", machine="pc-i440fx-7.2", sysinfo=_LIE, channel=False, agent=False),
    GuestOptions(name="legacy", machine="pc-i440fx-7.2", channel=False, agent=False),
)
EXPECTED_EXIT = 1


def main() -> int:
    """Run the demonstration; 0 where it showed what it should."""
    why = laboratory.hindrance()
    if why is not None:
        print(why, file=sys.stderr)
        return 1
    started = time.monotonic()
    laboratory.build()
    with laboratory.running() as lab:
        host = lab.host("hosta")
        done = show(host)
    cache.tell(f"the demonstration took {time.monotonic() - started:.0f} s; nothing is left of it")
    return 0 if done == EXPECTED_EXIT else 1


def show(host: Host) -> int:
    """Boot the guests, spoil two, audit; returns the audit's exit code."""
    cache.tell(f"booting {len(GUESTS)} guests (software emulation: about 40 s)")
    guests = {options.name: host.guest(options).start() for options in GUESTS}
    for guest in guests.values():
        guest.wait_ready(300)
        cache.tell(f"{guest.name} has booted")
    spoil(guests["edited"])
    print(
        "\nweb1    runs the guest agent, and nothing is wrong with it\n"
        "edited  runs as pc-i440fx-7.2; then its persistent XML was changed to pc-i440fx-7.1\n"
        "liar    has a <sysinfo> that tells its guest another machine type than it has\n"
        "legacy  has no agent at all\n"
    )
    code = run(host, "audit")
    run(host, "show", "web1")
    run(host, "audit", "web1", "edited", "legacy")
    for guest in guests.values():
        guest.remove()
    return code


def spoil(guest: Guest) -> None:
    """Change the persistent XML under a running guest."""
    changed = guest.options.xml().replace("pc-i440fx-7.2", "pc-i440fx-7.1")
    guest.host.run("virsh", "define", "/dev/stdin", text_input=changed)


def run(host: Host, *arguments: str) -> int:
    """Run the command as an operator would, and show what it says."""
    print(f"# samemachine {' '.join(arguments)}")
    done = host.samemachine(*arguments)
    print(f"{done.stdout}{done.stderr}exit code {done.returncode}\n", flush=True)
    return done.returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

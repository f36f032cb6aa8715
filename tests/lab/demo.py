"""``make demo``: real guests under real hosts: audited, moved live, and started changed."""

import sys
import time

from tests.lab import cache, pace
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
LESS_MEMORY = 448
IMAGES = "two hosts and a guest are built: 332 MB of Debian packages to download, 1.6 GB kept in {}"
EXPECTED_EXITS = [1, 0, 0, 1]
"""Of audit, show, migrate, verify."""


def main() -> int:
    """Run the demonstration; 0 where it showed what it should."""
    why = laboratory.hindrance()
    if why is not None:
        print(why, file=sys.stderr)
        return 1
    started = time.monotonic()
    if not list(cache.directory().glob("host-*")):
        cache.tell(IMAGES.format(cache.directory()))
    laboratory.build("hosta", "hostb")
    with laboratory.running() as lab:
        done = show(lab.host("hosta"), lab.host("hostb"))
    cache.tell(f"the demonstration took {time.monotonic() - started:.0f} s; nothing is left of it")
    return 0 if done == EXPECTED_EXITS else 1


def show(host: Host, other: Host) -> list[int]:
    """Boot the guests, spoil two, audit; move one and start it changed; returns exit codes."""
    cache.tell(f"booting {len(GUESTS)} guests (software emulation: about 40 s)")
    guests = {options.name: host.guest(options).start() for options in GUESTS}
    for guest in guests.values():
        guest.wait_ready()
        cache.tell(f"{guest.name} has booted")
    spoil(guests["edited"])
    print(
        "\nweb1    runs the guest agent, and nothing is wrong with it\n"
        "edited  runs as pc-i440fx-7.2; then its persistent XML was changed to pc-i440fx-7.1\n"
        "liar    has a <sysinfo> that tells its guest another machine type than it has\n"
        "legacy  has no agent at all\n"
    )
    codes = [run(host, "audit"), run(host, "show", "web1"), move(guests["web1"], other)]
    codes.append(start_changed(guests["web1"]))
    for guest in guests.values():
        guest.remove()
    return codes


def move(guest: Guest, to: Host) -> int:
    """Move a guest live to a host with a newer QEMU, as an operator would."""
    print(f"Now {guest.name} moves live from QEMU 7.2 to QEMU 10.0:\n")
    # The two hosts have no storage in common: libvirt copies into a disk that is there.
    Guest(to, guest.options).make_disk()
    code = run(guest.host, "migrate", guest.name, to.tcp_uri, "--unsafe", "--copy-storage", "inc")
    guest.host = to
    return code


def start_changed(guest: Guest) -> int:
    """Give the guest less memory behind its back, start it anew, and verify it."""
    print(f"Somebody changes {guest.name}'s memory, and starts it anew:\n")
    xml = guest.host.virsh("dumpxml", "--inactive", guest.name)
    less = xml.replace(f">{guest.options.memory * 1024}</", f">{LESS_MEMORY * 1024}</")
    guest.destroy()
    guest.host.run("virsh", "define", "/dev/stdin", text_input=less)
    guest.start()
    return run(guest.host, "verify", guest.name, "--wait", pace.words(30))


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

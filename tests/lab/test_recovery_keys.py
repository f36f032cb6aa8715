"""Who will ask for a recovery key, said before the move, and what the real guest's TPM has then."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests import json_output
from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.images import TRIXIE, root_on_hosts
from tests.lab.test_rehearsed_horizons import rebooted
from tests.lab.test_tpm import SEALED, asked, luks, registers

pytestmark = pytest.mark.long("sealed")

TYPE, RAISED = "pc-q35-6.2", "pc-q35-7.2"
ASKING = replace(SEALED, name="asking", machine=TYPE)
NOT_ASKING = GuestOptions(name="tpmless", machine=TYPE, cpu="qemu64", uefi=True)
COPIED = ("--unsafe", "--copy-storage", "inc")


@pytest.fixture
def guests(host_a: Host, host_b: Host) -> Iterator[dict[str, Guest]]:
    for host in (host_a, host_b):
        luks(host)
    made = {one.name: host_a.guest(one).start() for one in (ASKING, NOT_ASKING)}
    asked(made["asking"].wait_ready())
    made["tpmless"].wait_ready()
    yield made
    for name, guest in made.items():
        for host in (host_a, host_b):
            host.run("virsh", "destroy", name, check=False)
            host.run("virsh", "undefine", "--nvram", name, check=False)
        guest.remove()


def said(host: Host, *words: str) -> dict[str, Any]:
    """What a command tells a program."""
    command = host.samemachine_command(*words, "--format", "json")
    done = host.run(*command, check=False, timeout=600)
    assert "Traceback" not in done.stderr, done.stderr
    return dict(json_output.read(done.stdout))


def first_words(host: Host, *words: str) -> str:
    """What a command tells people."""
    return host.run(*host.samemachine_command(*words), check=False, timeout=600).stdout


def keys(guests: int, *asking: str) -> dict[str, Any]:
    return {"guests": guests, "will_ask": list(asking), "not_known": []}


def test_said_first_and_then_so(host_a: Host, host_b: Host, guests: dict[str, Guest]) -> None:
    guest = guests["asking"]
    before = registers(guest)
    longest = ("--rehearsal-timeout", str(min(3600, int(pace.words(120)))))
    there = ("--rehearse", "--root", root_on_hosts(TRIXIE), *longest)
    # Both are cold started on the next release: another host, or this one upgraded.
    found = said(host_a, "plan", "--to", host_b.tcp_uri, *there)
    (hop,) = found["hops"]
    (domain,) = (one for one in hop["domains"] if one["name"] == "asking")
    assert hop["recovery_keys"] == keys(2, "asking"), domain["tpm"]
    foretold = {one["number"]: one["changes"] for one in domain["tpm"]["registers"]}
    text = first_words(host_a, "plan", "--to", "debian:trixie", *there)
    assert "1 of 2 UEFI guests will ask for the recovery key at their first stop" in text, text
    # Of the machine type alone nothing changes, with this firmware.
    raised = said(host_a, "upgrade", *guests, "--to", RAISED, "--dry-run", "--rehearse")
    assert raised["recovery_keys"] == keys(2), raised
    copied = ("migrate", "asking", host_b.tcp_uri, *COPIED)
    text = first_words(host_a, *copied, "--dry-run", *there)
    assert "the guest will ask for the recovery key at its first stop and start" in text, text

    guest.migrate(host_b)
    assert registers(guest) == before
    # What the stream brought runs on.
    rebooted(guest)
    reset = registers(guest)
    assert (reset[0], reset[2], reset[7]) == (before[0], before[2], before[7])
    guest.destroy()
    after = registers(guest.start().wait_ready())
    known = {number: changes for number, changes in foretold.items() if changes is not None}
    assert known == {number: before[number] != after[number] for number in known}
    assert {0, 2, 7} <= known.keys()
    assert known[7]

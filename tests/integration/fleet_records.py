"""Hosts that tell a fleet's memory of their domains."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from host_agent.fleet.told import Alive, Gone, Offers, Present, Record, Stopped, Verdict
from tests.smbios_builder import tables

TYPES = "pc-q35-7.2", "pc-q35-9.2", "pc-i440fx-7.2"
START = 1.7e9


def shown(version: str) -> tuple[str, str]:
    """Return the digest of tables, and these in base64."""
    return f"shown {version}", base64.b64encode(tables(version=version)).decode()


def verdict(host: int, number: int, at: float, word: str = "verified") -> Verdict:
    machine = TYPES[number % len(TYPES)]
    # Every tenth host has another QEMU, which shows the same type otherwise.
    way, raw = shown(f"{machine} {'other' if host % 10 == 9 else 'usual'}")
    return Verdict(
        time=START + at,
        uuid=str(UUID(int=(host << 32) + number + 1)),
        name=f"vm{number}",
        title=f"web {host}-{number}",
        verdict=word,
        machine=machine,
        architecture="x86_64",
        depth="guest",
        occasion="audit",
        qemu="10.0.2" if host % 10 == 9 else "7.2.22",
        check=None if word == "verified" else "agent",
        problem=None if word == "verified" else "did not answer",
        shape=f"shape {machine}",
        shown=way,
        tables=raw,
        parts=("ACPI DSDT: 8345 0123456789abcdef",),
    )


def offers(host: int, at: float) -> Offers:
    names = (*TYPES, "pc-q35-10.0") if host % 10 == 9 else TYPES
    return Offers(time=START + at, architecture="x86_64", names=names)


def day(host: int, domains: int, rounds: int) -> Iterator[Record]:
    """A day of a host: each round a verdict of each domain, and what happens to them."""
    at = 0.0
    yield Alive(time=START, libvirt="9.0.0", qemu="7.2.0")
    yield offers(host, at)
    for turn in range(rounds):
        for number in range(domains):
            at += 1
            one = verdict(host, number, at, "mismatch" if (turn + number) % 7 == 3 else "verified")
            yield one
            if (turn + number) % 11 == 5:
                yield Stopped(time=START + at + 0.25, uuid=one.uuid)
            if (turn + number) % 13 == 6:
                yield Gone(time=START + at + 0.5, uuid=one.uuid)
    yield replace(verdict(host, 0, at + 1), remembered=True)
    kept = tuple(str(UUID(int=(host << 32) + number + 1)) for number in range(domains - 1))
    yield Present(time=START + at + 2, uuids=kept)

"""Devices of a domain as its baseline keeps them, to be rehearsed later. Pure.

Kept is what a rehearsal was started with (``rehearsal_options``), and of that what all domains of
its shape share: no MAC address, no serial number. The firmware is named by its kind alone, since
its image is a file: whoever rehearses a baseline takes the one that the domain has now.

What was kept is read again through the filter that made it: a baseline may be anybody's writing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from host_agent.evidence.rehearsed import ALL, NotRehearsed
from host_agent.printable import printable
from host_agent.qemu import rehearsal_shape
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain, without_devices

MAX_TEXT = 256 * 1024
_MAX_WORDS = 16 * 1024
_MAX_WHAT = 80
_NONE = "the devices in the baseline can't be read"
_FLASH, _ROM, _OWN = "flash", "rom", "own"
"""Kinds of firmware: images of the domain's, a ROM of the domain's, QEMU's own."""


def of_command_line(arguments: Sequence[str], architecture: str) -> str | None:
    """Return what is kept of what a command line starts; None: it can't be rehearsed."""
    try:
        text = to_text(from_domain(arguments, architecture))
    except OptionsError:
        return None
    return text if len(text.encode()) <= MAX_TEXT else None


def to_text(options: RehearsalOptions) -> str:
    """Return the devices in a form for storing; see ``from_text``."""
    shared, _ = rehearsal_shape.of(options)
    form = {
        "devices": list(_without_firmware(shared.devices)),
        "firmware": _kind(options),
        "irqchip": options.irqchip,
        "left_out": [[one.what, sorted(one.tables), one.stand_in] for one in options.left_out],
    }
    return json.dumps(form, separators=(",", ":"))


def from_text(text: str, machine: ProbeOptions, own: RehearsalOptions) -> RehearsalOptions:
    """Read what ``to_text`` wrote; raises ``OptionsError``.

    ``machine``: as the same baseline keeps it. ``own``: what the domain is rehearsed with now,
    whose firmware is taken.
    """
    if len(text) > MAX_TEXT or "\0" in text:
        raise OptionsError(_NONE)
    try:
        form = json.loads(text)
        devices, firmware, irqchip = form["devices"], form["firmware"], form["irqchip"]
        left_out = tuple(_left_out(*one) for one in form["left_out"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OptionsError(_NONE) from error
    words = isinstance(devices, list) and all(isinstance(one, str) for one in devices)
    if not words or len(devices) > _MAX_WORDS or "\0" in "".join(devices):
        raise OptionsError(_NONE)
    if firmware != _kind(own):
        raise OptionsError("its firmware is of another kind now than when the baseline was taken")
    bare = ("qemu", *without_devices(machine).command(), *devices)
    if isinstance(irqchip, str) and irqchip:
        bare += ("-machine", f"kernel_irqchip={irqchip}")
    again = from_domain(bare, machine.architecture)
    # What has a stand-in, or is left out, is none of these devices any more.
    same = again.devices == tuple(devices) and again.irqchip == irqchip
    if not same or _kind(again) != _OWN:
        raise OptionsError("the devices in the baseline are not those that are kept of a domain")
    return replace(
        again,
        devices=(*_firmware(own.devices), *again.devices),
        flash=own.flash,
        left_out=left_out,
    )


def _kind(options: RehearsalOptions) -> str:
    if options.flash is not None:
        return _FLASH
    return _ROM if "-bios" in options.devices else _OWN


def _firmware(devices: Sequence[str]) -> Iterator[str]:
    for option, value in pairwise(devices):
        if option == "-bios":
            yield from (option, value)


def _without_firmware(devices: Sequence[str]) -> Iterator[str]:
    at = iter(devices)
    for word in at:
        if word == "-bios":
            next(at, None)
        else:
            yield word


def _left_out(what: Any, tables: Any, stand_in: Any) -> NotRehearsed:
    named = [name for name in tables if isinstance(name, str)]
    if (
        not isinstance(what, str)
        or not (stand_in is None or isinstance(stand_in, str))
        or len(named) != len(tables)
    ):
        raise TypeError
    return NotRehearsed(
        what=printable(what)[:_MAX_WHAT],
        tables=frozenset(printable(name)[:4] for name in named) if named != ["*"] else ALL,
        stand_in=stand_in,
    )

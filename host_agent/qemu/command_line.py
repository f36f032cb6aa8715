"""A QEMU command line, taken apart as QEMU does it: options, their properties, sizes. Pure."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

# Options without a value (QEMU qemu-options.hx, also those that newer versions have no more).
_ALONE = {
    "S", "audio-help", "daemonize", "enable-fips", "enable-kvm", "enable-sync-profile",
    "full-screen", "jitdump", "mem-prealloc", "nodefaults", "nographic", "no-acpi",
    "no-fd-bootchk", "no-hpet", "no-kvm", "no-reboot", "no-shutdown", "no-user-config",
    "old-param", "one-insn-per-tb", "only-migratable", "perfmap", "portrait", "preconfig", "s",
    "semihosting", "singlestep", "snapshot", "usb", "win2k-hack", "xen-attach",
    "xen-domid-restrict",
}  # fmt: skip
_SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class OptionsError(ValueError):
    """The command line can't be turned into a probe; the sentence says why."""


def options_in(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (name without hyphen, value) of every option."""
    at = 0
    while at < len(arguments) and not arguments[at].startswith("-"):
        at += 1
    while at < len(arguments):
        word = arguments[at]
        if not word.startswith("-"):
            at += 1
            continue
        name = word.removeprefix("-").removeprefix("-")
        following = arguments[at + 1] if at + 1 < len(arguments) else None
        if name in _ALONE or following is None:
            yield name, ""
            at += 1
        else:
            yield name, following
            at += 2


def split(value: str) -> list[str]:
    """Split an option's value at commas.

    Two commas stand for one (QEMU ``util/keyval.c``), and are left as two.
    """
    return [part.replace("\0", ",,") for part in value.replace(",,", "\0").split(",")]


def joined(parts: Iterable[str]) -> str:
    """Return the value that ``split`` took apart."""
    return ",".join(parts)


def properties_of(value: str, implied: str) -> dict[str, str]:
    """Return an option's properties; ``implied`` is the key of a first one without any.

    Values keep two commas for one. Raises ``OptionsError``.
    """
    if value.startswith("{"):
        try:
            return {
                str(key): str(item).replace(",", ",,") for key, item in json.loads(value).items()
            }
        except (ValueError, RecursionError) as error:
            raise OptionsError("QEMU's command line holds broken JSON") from error
    first, *rest = split(value)
    found = {} if "=" in first else {implied: first}
    for part in [first, *rest] if "=" in first else rest:
        key, equals, text = part.partition("=")
        found[key] = text if equals else "on"
    return found


def merged_properties(
    given: Sequence[tuple[str, str]], options: Collection[str], implied: str
) -> dict[str, str]:
    """Return the properties of an option that may be given in parts; the last one wins."""
    found: dict[str, str] = {}
    for option, value in given:
        if option in options:
            found |= properties_of(value, implied)
    return found


def with_machine_type(arguments: Sequence[str], name: str) -> tuple[str, ...]:
    """Return a command line that starts a machine of another type, and is the same else."""
    words = list(arguments)
    for at in range(1, len(words)):
        if words[at - 1] in {"-machine", "-M"}:
            first, *rest = split(words[at])
            # It may be given in parts, of which each has a key but the type.
            if "=" not in first or first.startswith("type="):
                words[at] = joined([f"type={name}" if "=" in first else name, *rest])
    return tuple(words)


def memory_backends(given: Sequence[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    """Yield id → size in bytes of every object that is memory; raises ``OptionsError``."""
    for option, value in given:
        if option == "object":
            properties = properties_of(value, "qom-type")
            if properties.get("qom-type", "").startswith("memory-backend-"):
                yield properties.get("id", ""), size_of(properties.get("size", "0"), "b")


def size_of(text: str, unit: str) -> int:
    """Return a size in bytes, whose unit is the given one where it has none of its own.

    Raises ``OptionsError``.
    """
    match = re.fullmatch(r"([0-9]{1,19})([bkmgtBKMGT]?)", text)
    if not match:
        raise OptionsError(f"{text[:40]!r} is no size")
    return int(match[1]) * _SIZES[(match[2] or unit).lower()]

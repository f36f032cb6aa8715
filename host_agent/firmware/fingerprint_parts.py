"""What a machine shows beside SMBIOS, a line a part: two are told apart and neither kept. Pure.

A line is ``AREA SUBJECT: BYTES DIGEST``. The parts are those that follow from the machine alone:
its ACPI tables as QEMU writes them, before the firmware has run, and its memory map (e820).
"""

from collections.abc import Iterator, Mapping, Sequence

from host_agent.difference import Area, Difference
from host_agent.firmware import fingerprint_diff
from host_agent.firmware.fingerprint import E820, Fingerprint, digest

_DIGITS = 16


def lines(fingerprint: Fingerprint) -> tuple[str, ...]:
    """Return a line for each part, in their order."""
    return tuple(_lines(fingerprint))


def _lines(fingerprint: Fingerprint) -> Iterator[str]:
    for name, table in fingerprint_diff.tables(fingerprint).items():
        if name not in fingerprint_diff.ROOT_TABLES:
            said = "\0".join(f"{key}={text}" for key, text in table.header.items())
            yield _line(Area.ACPI, name, len(table.raw), said.encode() + b"\0" + table.body)
    memory = fingerprint.files.get(E820)
    if memory:
        yield _line(Area.MEMORY_MAP, "map", len(memory), memory)


def _line(area: Area, subject: str, length: int, raw: bytes) -> str:
    return f"{area} {subject}: {length} {digest(raw)[:_DIGITS]}"


def differences(old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    """Yield which parts differ; none where nothing is known of either side."""
    before, after = _named(old), _named(new)
    if not before or not after:
        return
    for name in dict.fromkeys([*before, *after]):
        was, now = (side.get(name, fingerprint_diff.ABSENT) for side in (before, after))
        if was != now:
            area, _, subject = name.partition(" ")
            known = area in {Area.ACPI, Area.MEMORY_MAP}
            yield Difference(
                area=Area(area) if known else Area.ACPI,
                subject=subject if known else name,
                field="contents",
                old=_words(was),
                new=_words(now),
            )


def _named(given: Sequence[str]) -> Mapping[str, str]:
    return dict(line.split(": ", 1) for line in given if ": " in line)


def _words(part: str) -> str:
    length, _, said = part.partition(" ")
    return f"{length} bytes ({said[:8]})" if said else part

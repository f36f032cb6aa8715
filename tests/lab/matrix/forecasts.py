"""Forecasts of samemachine, held against what came. Pure.

Each reads the product's own JSON. What says nothing is scored as unknown, never as right.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from host_agent.difference import Area, Difference, in_one
from host_agent.evidence import rehearsed
from tests.lab.matrix import judging
from tests.lab.matrix.cells import Forecast, Kind, Score
from tests.lab.matrix.seen import Seen

_ROOTS = frozenset({"RSDT", "XSDT"})
"""They hold where the others lie, and Linux shows only one of them."""
_SMBIOS = f"{Area.SMBIOS} "
_FIRMWARES_OWN = f"{_SMBIOS}type 0 "


def finding(findings: Iterable[Mapping[str, Any]], check: str) -> Mapping[str, Any] | None:
    """Return the finding of a check; None: there is none."""
    return next((one for one in findings if one["check"] == check), None)


def of_plan(planned: Mapping[str, Any], *, moved: bool, started: bool | None = None) -> Forecast:
    """Score ``plan``'s answer. ``started``: whether it starts on the target; None: not tried."""
    answer = str(planned["answer"])
    came = "moved live" if moved else "the live move was refused"
    if started is not None and not moved:
        came += ", it starts there" if started else ", it does not start there"
    right: bool | None = {
        "live": moved,
        "restart": None if started is None and not moved else not moved and bool(started),
        "raise": not moved and not started,
        "cannot": not moved,
        "start": None if started is None else started,
    }.get(answer)
    return _forecast(Kind.PLAN, "how it gets there", answer, came, right)


def of_states(
    findings: Sequence[Mapping[str, Any]], *, moved: bool, said: str = ""
) -> Forecast | None:
    """Score what the descriptions of migration states say; None: nobody asked them.

    ``said``: by QEMU and libvirt. A move that was refused for something else proves nothing, and
    so does one of which the plan said that a value which is sent, not its form, is refused.
    """
    told = finding(findings, "move-vmstate")
    if told is None:
        return None
    measured = finding(findings, "move-refusal")
    value = measured is not None and measured["outcome"] == "fail" and told["outcome"] == "pass"
    loading = judging.is_of_loading(said) and not value
    right: bool | None = None
    if told["outcome"] == "pass" and (moved or loading):
        right = moved
    elif told["outcome"] == "fail" and (moved or loading):
        right = not moved
    came = "taken" if moved else "not taken" if loading else "the move was refused before"
    if value and not moved:
        came = "the move was refused, as was measured of these versions"
    return _forecast(
        Kind.VMSTATE, "its device states", f"{told['outcome']}: {told['sentence']}", came, right
    )


def of_next_boot(told: Sequence[str] | None, found: Iterable[Difference], who: str) -> Forecast:
    """Score what a boot on the target was said to change in SMBIOS.

    ``told``: differences in words; None: it was said that it can't be told. The firmware's own
    structure is left out: a reboot keeps the firmware that came along.
    """
    came = sorted(_smbios(str(in_one(one)) for one in found))
    if told is None:
        return _forecast(Kind.PROBE, who, "not told", "; ".join(came) or "nothing", None)
    words = sorted(_smbios(told))
    return _forecast(
        Kind.PROBE, who, "; ".join(words) or "nothing", "; ".join(came) or "nothing", words == came
    )


def _smbios(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.startswith(_SMBIOS) and not word.startswith(_FIRMWARES_OWN):
            yield word


def told_by_finding(domain: Mapping[str, Any], check: str) -> Sequence[str] | None:
    """Return the differences of a forecast in a verification; None: it could not be told."""
    found = finding(domain["findings"], check)
    if found is None or found["outcome"] in {"unknown", "skip"}:
        return None
    return [str(in_one(_difference(one))) for one in found.get("differences") or ()]


def _difference(form: Mapping[str, Any]) -> Difference:
    return Difference(
        area=Area(form["area"]),
        subject=form["subject"],
        field=form["field"],
        old=form["old"],
        new=form["new"],
    )


def of_next_start(before: Mapping[str, Any], after: Mapping[str, Any]) -> Forecast:
    """Score the probe of a next start: the bytes that the guest is served after it.

    ``before``, ``after``: the domain in a verification before the stop, and after the start.
    """
    told = before["evidence"]["next_start"].get("sha256")
    guest = after["evidence"]["guest"].get("live") or {}
    came = guest.get("sha256")
    right = None if told is None or came is None else told == came
    return _forecast(
        Kind.PROBE, "the SMBIOS tables served after a start", _short(told), _short(came), right
    )


def of_rehearsal(machine: Mapping[str, Any], seen: Seen, *, smbios: bool) -> Iterator[Forecast]:
    """Score a rehearsal: each table's digest, and each PCI function.

    ``smbios``: whether the firmware that was rehearsed is the one that ran; after a live move and a
    reset it is the source's.
    """
    if "unknown" in machine:
        yield _forecast(Kind.REHEARSAL, "the machine", f"not told: {machine['unknown']}", "", None)
        return
    left = {name for one in machine["not_rehearsed"] for name in one["tables"]}
    made = _digests({one["signature"]: one["sha256"] for one in machine["acpi"]}, left)
    found = _digests(
        {name: hashlib.sha256(raw).hexdigest() for name, raw in seen.acpi.items()}, left
    )
    wrong = sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))
    yield _forecast(
        Kind.REHEARSAL,
        "ACPI tables" + (f", without {', '.join(sorted(left))}" if left else ""),
        f"{len(made)} digests",
        f"{', '.join(wrong)} otherwise" if wrong else f"the same {len(found)}",
        # What is not rehearsed may be in any table.
        None if not made or rehearsed.ALL & left else not wrong,
    )
    told = {f"{one['address']} {_function(one)}" for one in machine["pci"]}
    came = {f"{address} {kind}" for address, kind in seen.pci.items()}
    yield _forecast(
        Kind.REHEARSAL,
        "PCI functions",
        _beyond(told, came) or f"{len(told)} functions",
        _beyond(came, told) or f"the same {len(came)}",
        told == came if told else None,
    )
    if smbios:
        booted = hashlib.sha256(seen.smbios).hexdigest()
        digest = machine["smbios_sha256"]
        yield _forecast(
            Kind.REHEARSAL,
            "the SMBIOS tables of a start",
            _short(digest),
            _short(booted),
            None if digest is None else digest == booted,
        )


def _digests(tables: Mapping[str, str], left: Iterable[str]) -> dict[str, str]:
    skip = {*_ROOTS, *left}
    return {name: digest for name, digest in tables.items() if name not in skip}


def _function(form: Mapping[str, Any]) -> str:
    return f"{form['vendor']:04x}:{form['device']:04x}"


def _beyond(one: set[str], other: set[str]) -> str:
    return ", ".join(sorted(one - other))


def _short(digest: str | None) -> str:
    return "not told" if digest is None else f"SHA-256 {digest[:16]}"


def _forecast(kind: Kind, about: str, told: str, came: str, right: bool | None) -> Forecast:
    score = Score.UNKNOWN if right is None else Score.RIGHT if right else Score.WRONG
    return Forecast(kind=kind, about=about, told=told, came=came, score=score)

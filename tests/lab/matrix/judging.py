"""What a step comes to: the product's verdict, what the guest saw, and what was expected. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from host_agent.difference import Difference
from host_agent.machine_types import names
from tests.lab.matrix import expected as expecting
from tests.lab.matrix.cells import Outcome
from tests.lab.matrix.expected import Expected
from tests.lab.matrix.load import Felt

# libvirt's words (src/rpc/virnetclient.c, virkeepalive.c, virnetsocket.c) for the end of the
# connection over which a move is led: neither package refused anything.
_CONNECTION = re.compile(
    r"client socket is closed|keepalive timeout|received hangup event on socket"
    r"|End of file while reading data|Cannot (?:recv|write) data"
)


_OF_LOADING = (
    "load of migration failed", "Failed to load", "Missing section", "Unknown savevm section",
    "Unknown section", "error while loading state", "exceeds allocated max",
)  # fmt: skip
"""What QEMU says to a state that it does not take."""
_LAST_NAMELESS = 1, 7
"""Types of this QEMU and older name no machine in SMBIOS (hw/i386/pc_piix.c: smbios_defaults)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An outcome with its reasons."""

    outcome: Outcome
    sentences: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


def of_verdict(domain: Mapping[str, Any] | None, machine: str = "") -> Judged:
    """Judge a domain of an audit or a verification by its verdict; None: there is none.

    ``machine``: its type. Of one that names no machine nothing more can be asked than all the rest.
    """
    if domain is None:
        return Judged(outcome=Outcome.UNKNOWN, sentences=("samemachine told nothing of it",))
    verdict, depth = domain.get("verdict"), domain.get("depth")
    findings: Sequence[Mapping[str, Any]] = domain.get("findings", ())
    if verdict == "mismatch":
        fails = tuple(
            f"{one['check']}: {one['sentence']}" for one in findings if one["outcome"] == "fail"
        )
        return Judged(outcome=Outcome.BEYOND, sentences=("mismatch", *fails))
    if verdict == "verified" and depth == "guest":
        return Judged(outcome=Outcome.EXPECTED, sentences=("verified by guest",))
    unknown = [one for one in findings if one["outcome"] == "unknown"]
    lacking = tuple(f"{one['check']}: {one['sentence']}" for one in unknown)
    said = domain.get("error") or f"{verdict} by {depth}"
    version = names.upstream_version(machine)
    nameless = version is not None and version <= _LAST_NAMELESS
    whole = depth == "guest" and {one["check"] for one in unknown} == {"machine-type"}
    outcome = Outcome.TOLD if nameless and whole else Outcome.UNKNOWN
    return Judged(outcome=outcome, sentences=(str(said), *lacking))


def verified(domain: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a domain of a verification if it was judged at all; a *failed* one has no evidence."""
    return domain if domain is not None and "findings" in domain else None


def of_boot(
    domain: Mapping[str, Any] | None,
    found: Sequence[Difference],
    expected: Expected | None,
    *,
    uefi: bool = False,
) -> Judged:
    """Judge a boot on the target by its verification, and by what the guest found otherwise.

    ``uefi``: whether that is the guest's firmware.
    """
    told = of_verdict(domain)
    if expected is None:
        why = "nothing says what a boot there may change"
        outcome = Outcome.UNKNOWN if told.outcome is Outcome.EXPECTED else told.outcome
        return Judged(outcome=outcome, sentences=(*told.sentences, why))
    beyond = expecting.beyond(found, expected, uefi=uefi)
    if not beyond:
        return told
    return Judged(
        outcome=Outcome.BEYOND,
        sentences=(f"{len(beyond)} changes that nothing foretells", *told.sentences),
        beyond=beyond,
    )


def is_lost(said: str) -> bool:
    """Tell whether what was said to a move's end is that two libvirtds lost each other."""
    return _CONNECTION.search(said) is not None


def is_of_loading(said: str) -> bool:
    """Tell whether what was said to a move's end is that QEMU does not take a state."""
    return any(words in said for words in _OF_LOADING)


def measured(findings: Sequence[Mapping[str, Any]]) -> str | None:
    """Return why a plan says that this very version is known to refuse; None: it does not."""
    said = (one for one in findings if one["check"] == "move-refusal")
    return next((str(one["sentence"]) for one in said if one["outcome"] == "fail"), None)


def of_refusal(
    said: str, expected: Expected | None, *, offered: bool, measured: str | None = None
) -> Judged:
    """Judge a live move that was refused.

    ``offered``: whether both have the machine type. ``measured``: why it was known to be refused,
    for a state: what is refused for a file that is not there was not foretold by that.
    """
    last = said.strip().splitlines()[-1:] or ["nothing was said"]
    if is_lost(said):
        return Judged(outcome=Outcome.UNKNOWN, sentences=("two libvirtds lost each other", *last))
    if not offered:
        return Judged(
            outcome=Outcome.EXPECTED, sentences=("refused, as its type is not there", *last)
        )
    refusing = () if expected is None else expected.refusing
    if measured is not None and is_of_loading(said):
        refusing = (*refusing, measured)
    if refusing:
        return Judged(
            outcome=Outcome.EXPECTED, sentences=("refused, as foretold", *last, *refusing)
        )
    return Judged(outcome=Outcome.BEYOND, sentences=("the live move was refused", *last))


def of_no_arrival(*, foretold: bool) -> Judged:
    """Judge the reset of a guest whose live move was refused: there is none on the target."""
    if foretold:
        return Judged(outcome=Outcome.TOLD, sentences=("it did not move live, as foretold",))
    return Judged(outcome=Outcome.NOT_REACHED, sentences=("it did not move live",))


def of_load(load: Felt) -> Judged:
    """Judge what a guest felt: losses; how long it stood still is a figure, and no verdict."""
    if load.lost:
        return Judged(outcome=Outcome.BEYOND, sentences=tuple(f"lost: {one}" for one in load.lost))
    if load.lacking:
        return Judged(outcome=Outcome.UNKNOWN, sentences=load.lacking)
    return Judged(outcome=Outcome.EXPECTED, sentences=("nothing lost",))


def of_probe(shown: Expected | None, known: Expected | None, errors: Sequence[str] = ()) -> Judged:
    """Judge what two packages show otherwise by what is known of their releases.

    ``errors``: why a package could not be asked; one whose release could be is beyond the expected.
    """
    if errors and known is not None:
        return Judged(outcome=Outcome.BEYOND, sentences=("it can't be probed", *errors))
    if shown is None:
        return Judged(outcome=Outcome.UNKNOWN, sentences=("the two can't be compared in it",))
    if known is None:
        return Judged(
            outcome=Outcome.UNKNOWN, sentences=("no atlas of both releases to hold it against",)
        )
    beyond = expecting.unforeseen(shown, known)
    if beyond:
        return Judged(
            outcome=Outcome.BEYOND,
            sentences=(f"otherwise than {known.source}",),
            beyond=beyond,
        )
    number = len(shown.differences)
    return Judged(
        outcome=Outcome.EXPECTED,
        sentences=(f"{number} difference{'' if number == 1 else 's'}, all known",),
    )

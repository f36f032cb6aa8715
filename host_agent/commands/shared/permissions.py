"""What each command needs, what it changes, and what leaves a guest for it. Pure.

This is the contract: the documentation is rendered from it (``packaging/make-permissions``), and a
test holds it against the commands that there are. A right that is wanted and missing costs evidence
(``unknown: needs …``); one that is needed and missing ends the command with a sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What a command may need of the host."""

    READ_ONLY = "libvirt read-only"
    """virConnectOpenReadOnly; with libvirt's own defaults everybody may."""
    READ_WRITE = "libvirt read-write"
    """Root's rights on that host, whoever has them."""
    ROOT = "root"
    """The user of the sockets and binaries of QEMU's processes, which is rarely ours."""
    PTRACE = "ptrace"
    """PTRACE_MODE_READ of QEMU's processes (ptrace(2)): their binary, their mounts."""


class Demand(StrEnum):
    """How much a command needs a right."""

    NEEDED = "needed"
    MORE = "for more"
    """Without it there is less evidence, and it is said which."""
    NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One command's row."""

    command: str
    read_only: Demand = Demand.NONE
    read_write: Demand = Demand.NONE
    root: Demand = Demand.NONE
    ptrace: Demand = Demand.NONE
    changes: str
    """On the host and in the domain."""
    leaves: str = "nothing"
    """What the guest is asked for and gives."""


_ASKED = "the report (samemachine-guest report --explain)"
_HASHED = "identifiers as salted hashes"
_LEDGER = f"the ledger, {_HASHED}"
_BASELINE = f"the domain's metadata (baseline, {_HASHED})"
_CACHE = "its own cache of probes"
_COUNT = f"{_CACHE}, and its count of openings that no guest answered"
_RUNS = "of several hosts what was found, until it is whole"
_NEEDED, _MORE = Demand.NEEDED, Demand.MORE
_LOOKS = {"read_only": _NEEDED, "read_write": _MORE, "root": _MORE, "ptrace": _MORE}
_WRITES = {"read_only": _NEEDED, "read_write": _NEEDED, "root": _MORE, "ptrace": _MORE}

HOST = (
    Permission(command="audit", **_LOOKS, changes=f"{_COUNT}; {_RUNS}", leaves=_ASKED),
    Permission(command="show", **_LOOKS, changes=_COUNT, leaves=_ASKED),
    Permission(
        command="baseline",
        **_WRITES,
        changes=f"{_BASELINE}; {_LEDGER}; {_COUNT}; {_RUNS}",
        leaves=_ASKED,
    ),
    Permission(
        command="verify",
        **_LOOKS,
        changes=f"{_BASELINE}; {_LEDGER}; {_COUNT}; {_RUNS}",
        leaves=_ASKED,
    ),
    Permission(
        command="why",
        **_LOOKS,
        changes=f"makes the ledger where there is none; {_COUNT}",
        leaves=_ASKED,
    ),
    Permission(command="watch", **_LOOKS, changes=_COUNT, leaves=_ASKED),
    Permission(
        command="serve",
        **_LOOKS,
        changes=f"{_BASELINE}; {_LEDGER}; the system's journal; {_COUNT}; runs --exec; "
        "with --metrics listens, and tells names and verdicts of all domains; with --fleet writes "
        "these, machine types and QEMU's tables into that database, by a spool of its own",
        leaves=_ASKED,
    ),
    Permission(
        command="migrate",
        **_WRITES,
        changes=f"moves the domain; {_BASELINE}; {_LEDGER}; {_COUNT}",
        leaves=_ASKED,
    ),
    Permission(command="plan", read_only=_NEEDED, read_write=_MORE, root=_MORE, changes=_CACHE),
    Permission(
        command="upgrade",
        **_WRITES,
        changes="stops and starts the domain; machine type in its definition; journal of upgrades, "
        f"with the definition and its secrets, for root alone; {_BASELINE}; {_LEDGER}; {_COUNT}",
        leaves=_ASKED,
    ),
    Permission(
        command="rollback",
        **_WRITES,
        changes="stops and starts the domain; machine type in its definition; journal of upgrades; "
        f"{_BASELINE}; {_LEDGER}; {_COUNT}",
        leaves=_ASKED,
    ),
    Permission(command="campaign", changes="nothing"),
    Permission(
        command="enroll",
        read_only=_NEEDED,
        read_write=_NEEDED,
        changes="a channel in the definition; with --live in the running domain",
    ),
    Permission(
        command="forget",
        read_only=_NEEDED,
        read_write=_NEEDED,
        changes="removes the baseline from the metadata, its entries from the ledger, its journal "
        "of upgrades",
    ),
    Permission(command="history", changes="nothing"),
    Permission(command="fleet", changes="nothing"),
    Permission(
        command="report",
        **_LOOKS,
        changes=f"{_COUNT}; of files of audits alone: nothing, and no right is needed",
        leaves=f"{_ASKED}; of files of audits alone: nothing",
    ),
    Permission(
        command="rehearse",
        read_only=_NEEDED,
        read_write=_MORE,
        root=_MORE,
        ptrace=_MORE,
        changes="nothing",
        leaves=_ASKED,
    ),
    Permission(command="probe", root=_MORE, changes="nothing, but for --output"),
    Permission(command="diff", changes="nothing"),
    Permission(command="types", read_only=_MORE, changes="nothing"),
    Permission(command="path", changes="nothing"),
    Permission(command="check-config", changes="nothing"),
    Permission(command="checks", changes="nothing"),
    Permission(command="schema", changes="nothing"),
)
"""The commands of ``samemachine``."""

GUEST = (
    Permission(
        command="serve", root=_MORE,
        changes="with refresh-fw-cfg, loads the module qemu_fw_cfg anew",
        leaves=f"{_ASKED}, to the host that runs it, when that asks",
    ),
    Permission(command="report", root=_MORE, changes="with --refresh-fw-cfg, as above"),
    Permission(command="check", root=_MORE, changes="with --refresh-fw-cfg, as above"),
    Permission(command="check-config", changes="nothing"),
)  # fmt: skip
"""The commands of ``samemachine-guest``; root's rights are those in the guest."""

WITHOUT = (
    (Right.READ_ONLY, "no domain can be looked at: exit code 4"),
    (
        Right.READ_WRITE,
        "the booted tables in guest memory, QEMU's options at the next start, and, from elsewhere, "
        "the guest's channel are unknown; no baseline, move or change",
    ),
    (
        Right.ROOT,
        "the guest's channel is not opened on the host itself; no probe of QEMU; what a UEFI keeps "
        "is not read",
    ),
    (Right.PTRACE, "which binary runs under a guest, and what it builds, is unknown"),
)
"""What is missing without a right."""


def markdown() -> Iterator[str]:
    """Yield the lines of the documentation."""
    yield "# Who needs what, what changes, and what leaves a guest"
    yield ""
    yield "Rendered by `packaging/make-permissions` from `commands/shared/permissions.py`."
    yield ""
    yield "*needed*: the command ends without it. *for more*: evidence is missing without it, and"
    yield "says so (`unknown`). Read-write access to libvirt is root's rights on that host."
    for title, rows in (("samemachine, on the host", HOST), ("samemachine-guest, in it", GUEST)):
        yield ""
        yield f"## {title}"
        yield ""
        yield f"| command | {' | '.join(Right)} | changes | leaves the guest |"
        yield f"| --- | {' | '.join('---' for _ in Right)} | --- | --- |"
        for row in rows:
            rights = " | ".join((row.read_only, row.read_write, row.root, row.ptrace))
            yield f"| `{row.command}` | {rights} | {row.changes} | {row.leaves} |"
    yield ""
    yield "## Without a right"
    yield ""
    for right, what in WITHOUT:
        yield f"- **{right}**: {what}."
    yield ""
    yield "Whatever a command prints is for whoever called it, and has identifiers in clear:"
    yield "`--format json`, `--output` and `why --bundle` too. Look before you pass them on."

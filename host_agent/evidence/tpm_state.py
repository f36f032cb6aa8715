"""What the host sees of an emulated TPM, without a look at what is in it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TpmState:
    """Where the state of a domain's TPM is, and who has it."""

    place: str
    """The folder or file, on the host."""
    there: bool
    """Whether there is any state."""
    swtpm: str | None = None
    """The program that emulates it now; None: none does."""
    replaced: bool | None = None
    """Whether another file is at that program's path by now; None: not to be seen."""
    others: tuple[str, ...] = ()
    """Other domains of this host whose running TPMs have the same state."""

"""The list of rows, and what measures them: groups of rows that are prepared together."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.bench import (
    answering,
    arrival,
    booted,
    fleets,
    guest_agent_asked,
    idle_here,
    many_domains,
    many_hosts,
    probing,
    rehearsing,
    running,
    shut_off,
    start_up,
    stores,
)
from tests.bench.bench import Bench
from tests.bench.figure import Figure
from tests.lab import lab as laboratory
from tests.lab.lab import Lab

ROWS = {
    "start-version": "samemachine --version, beside import click",
    "start-help": "samemachine --help, beside import click",
    "start-completion": "completion of a command, beside import click",
    "start-audit": "audit of one domain of the test driver, beside the imports that it uses",
    "start-guest-check": "samemachine-guest check, beside the imports that it uses",
    "test-driver": "1,000 domains of libvirt's test driver, beside a bare loop over both XMLs",
    "test-driver-memory": "the memory of that, beside the same imports",
    "growth": "10 to 5,000 domains of the test driver, drawn",
    "stores-first": "1,000 variable stores of UEFIs, beside their bytes read and hashed",
    "stores-again": "the same again, as a daemon does",
    "answering": "1,000 guests that answer by real gRPC, beside bare unary calls",
    "hosts": "20 hosts of 50 guests, 2 dead and 1 hanging, beside the slowest healthy one",
    "fleet-questions": "10,000 hosts of 50 domains in PostgreSQL, asked, beside a plain count",
    "fleet-memory": "the memory of such a question",
    "fleet-ingest": "what writing a verdict of each domain in ten minutes takes of a core",
    "fleet-growth": "1,000 to 500,000 domains in PostgreSQL, drawn",
    "agent-first": "a guest agent's first report, beside a bare gRPC server started",
    "agent-next": "its next reports, beside that server's next answers",
    "agent-idle": "a guest agent that nobody asks: memory, wake-ups, threads",
    "daemon-idle-test-driver": "serve with 1,000 domains of the test driver, idle",
    "shut-off": "1,000 shut-off domains of a real libvirt, beside a bare loop over both XMLs",
    "seed": "virsh dumpxml | xmllint, beside an audit, a domain",
    "memory": "the memory of an audit of 1,000 domains, beside the same imports",
    "daemon-idle": "serve with 1,000 domains of a real libvirt, idle: memory, wake-ups",
    "growth-host": "10 to 5,000 domains of a real libvirt, drawn",
    "running-first": "200 running domains of 5 shapes, first audit, beside bare calls and probes",
    "running-warm": "the same again, beside bare calls",
    "ten-guests": "10 booted guests, beside qemu-guest-agent reading four files in each",
    "one-guest": "one real guest, channel opened to verdict, beside a bare call",
    "atlas": "every x86 machine type probed, beside QEMU started and quit",
    "rehearsal": "firmware run on domains' devices, beside the same QEMUs till it has ended",
    "rehearsal-tpm": "the same with a new TPM, till the firmware has measured, beside the same",
    "rehearsal-shapes": "200 domains of 5 shapes, rehearsed: how many QEMUs",
    "arrival": "libvirt's event of an arrival to the verdict, beside the guest's report",
}
"""Name → what, in the order in which they are measured."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are prepared together."""

    rows: tuple[str, ...]
    here: Callable[[Bench], Iterator[Figure]] | None = None
    """Measures them on this machine."""
    there: Callable[[Bench, Lab], Iterator[Figure]] | None = None
    """Measures them on the lab's hosts."""


GROUPS = (
    Group(
        ("start-version", "start-help", "start-completion", "start-audit", "start-guest-check"),
        start_up.measure,
    ),
    Group(("test-driver", "test-driver-memory", "growth"), many_domains.measure),
    Group(("stores-first", "stores-again"), stores.measure),
    Group(("answering",), answering.measure),
    Group(("hosts",), many_hosts.measure),
    Group(("fleet-questions", "fleet-memory", "fleet-ingest", "fleet-growth"), fleets.measure),
    Group(("agent-first", "agent-next"), guest_agent_asked.measure),
    Group(("agent-idle", "daemon-idle-test-driver"), idle_here.measure),
    Group(("shut-off", "seed", "memory", "daemon-idle", "growth-host"), there=shut_off.measure),
    Group(("running-first", "running-warm"), there=running.measure),
    Group(("ten-guests", "one-guest"), there=booted.measure),
    Group(("atlas",), there=probing.measure),
    Group(("rehearsal", "rehearsal-tpm", "rehearsal-shapes"), there=rehearsing.measure),
    Group(("arrival",), there=arrival.measure),
)


@dataclass(slots=True)
class Places:
    """The lab, started when the first row needs it, and ended with the block."""

    _stack: ExitStack = field(default_factory=ExitStack)
    _lab: Lab | None = None

    def __enter__(self) -> "Places":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, group: Group, bench: Bench) -> Iterator[Figure]:
        """Measure the chosen rows of a group."""
        if group.here is not None:
            yield from group.here(bench)
        if group.there is not None:
            if self._lab is None:
                laboratory.build("hosta", "hostb")
                self._lab = self._stack.enter_context(laboratory.running())
            yield from group.there(bench, self._lab)


def hindrance(group: Group) -> str | None:
    """Say why a group can't be measured here; None: it can."""
    return laboratory.hindrance() if group.there is not None else None

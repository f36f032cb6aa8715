"""One domain as text for people: the views of it side by side, where each comes from, findings."""

from collections.abc import Callable, Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from host_agent.case.case import Case
from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.domain import owner
from host_agent.domain.owner import OwnerKind
from host_agent.evidence.nvram import Database, Nvram
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome
from host_agent.firmware.smbios import Named
from host_agent.missing import Missing
from host_agent.output.audit import STYLES, heading, sentences
from host_agent.output.shared.names import libvirts, whose
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable, shortened
from host_agent.verify import folding

_MOST_ENTRIES = 8
_WIDEST = 200
"""Characters of a value in the table of views; the checks tell what is wrong with it."""


def print_show(console: Console, audit: HostAudit) -> None:
    """Print the views of each domain side by side."""
    for result in audit.results:
        console.print(heading(audit), soft_wrap=True)
        if isinstance(result, Failed):
            console.print(Text(f"{libvirts(result)} FAILED {printable(result.error)}"))
            continue
        console.print()
        print_table(console, _show(result))


def _show(result: Audited) -> RenderableType:
    case = result.case
    definition = case.declared.definition
    head = Text(printable(f"{definition.name}  {definition.uuid}  {case.declared.state}") + "  ")
    word = folding.word(result)
    head.append(word.upper(), STYLES[word])
    head.append(f" by {result.verdict.depth}" if result.verdict.depth else "")
    views = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("", "declared", "running", "booted as", "serving now"):
        views.add_column(title, overflow="fold", header_style="bold")
    for row in _rows(case):
        views.add_row(*(Text(cell) for cell in row))
    findings = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for alike in _alike(result.verdict.findings):
        first, more = alike[0], len(alike) - 1
        style = STYLES[first.outcome]
        check = f"{first.check} +{more}" if more else first.check
        findings.add_row(Text(check), Text(first.outcome, style), sentences(first))
    return Group(head, Text(), views, Text(), *_notes(case), Text(), findings)


def _alike(findings: Iterable[Finding]) -> Iterable[list[Finding]]:
    """Group what is skipped for one reason, as the checks against a baseline are without one."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        skipped = finding.outcome is Outcome.SKIP
        key = (finding.sentence, finding.remedy) if skipped else number
        groups.setdefault(key, []).append(finding)
    return groups.values()


def _rows(case: Case) -> list[tuple[str, ...]]:
    active = case.declared.active or case.declared.persistent
    running = case.running if isinstance(case.running, Running) else None
    expected = None if isinstance(case.expected, Missing) else case.expected
    booted, live = case.booted, case.live

    def row(
        name: str, declared: str | None, process: str | None, of: Callable[[Named], object]
    ) -> tuple[str, ...]:
        views = (process or "-", _cell(booted, of), _cell(live, of))
        # What is equal need not be read again.
        same = (
            "same" if declared and view == declared else shortened(view, _WIDEST) for view in views
        )
        return (name, printable(declared or "-"), *same)

    wanted = {
        "manufacturer": expected.manufacturers if expected else None,
        "product": expected.products if expected else None,
    }
    return [
        row(
            "machine type",
            active.machine if active else None,
            running.machine if running else None,
            lambda named: named.version,
        ),
        row(
            "uuid",
            str(active.guest_uuid) if active else None,
            str(running.uuid) if running and running.uuid else None,
            lambda named: named.uuid,
        ),
        row(
            "manufacturer",
            " or ".join(sorted(wanted["manufacturer"] or ())),
            None,
            lambda named: named.manufacturer,
        ),
        row(
            "product",
            " or ".join(sorted(wanted["product"] or ())),
            None,
            lambda named: named.product,
        ),
        row("chassis version", None, None, lambda named: named.chassis_version),
        row("processor version", None, None, lambda named: named.processor_version),
    ]


def _cell(view: Named | Missing, of: Callable[[Named], object]) -> str:
    return "-" if isinstance(view, Missing) else str(of(view) or "(not specified)")


def _notes(case: Case) -> Iterable[Text]:
    """Who manages the domain; where each view comes from, or why it is not there."""
    if owner.of(case.declared.definition).kind is not OwnerKind.LIBVIRT:
        yield _note("owner", whose(case.declared.definition))
    definition = case.declared.definition
    if definition.unjudged:
        yield _note("seen by the guest, not judged", ", ".join(definition.unjudged))
    if definition.unknown:
        yield _note(
            "not known of libvirt's XML",
            f"{', '.join(definition.unknown)}; whether the guest sees it is not established: "
            "update samemachine",
        )
    if definition.hardware_uuid is not None:
        yield _note("hwuuid", f"the guest is to see {definition.hardware_uuid}")
    yield _note("expected", case.expected.why if not isinstance(case.expected, Missing) else "-")
    if isinstance(case.running, Running):
        gone = " (replaced since it was started)" if case.running.binary_deleted else ""
        yield _note("running", f"process {case.running.pid}, {case.running.binary}{gone}")
    else:
        yield _note("running", case.running.sentence)
    if definition.uefi is not None:
        yield from (_note(title, text) for title, text in _uefi(case.nvram))
    for title, view in (("booted as", case.booted), ("serving now", case.live)):
        yield _note(title, view.sentence if isinstance(view, Missing) else f"from {view.source}")


def _uefi(store: Nvram | Missing) -> Iterable[tuple[str, str]]:
    """Yield what the domain's UEFI keeps."""
    if isinstance(store, Missing):
        yield "uefi", store.sentence
        return
    keys = [f"{name} {_database(one)}" for name, one in store.databases.items()]
    yield "uefi", "; ".join(keys) or "no keys"
    order = [store.boot[number] for number in store.boot_order if number in store.boot]
    if order:
        yield "boots", ", ".join(f"{one.name} {one.path}" for one in order[:_MOST_ENTRIES])


def _database(database: Database) -> str:
    """Return its digest and what is in it."""
    names = [one.subject or one.sha256[:16] for one in database.certificates]
    if database.hashes:
        names.append(f"{database.hashes} hash{'' if database.hashes == 1 else 'es'}")
    return f"{database.sha256[:16]} ({', '.join(names)})"


def _note(title: str, text: str) -> Text:
    return Text(f"{title}: {printable(text)}", style="dim")

"""One domain as text for people: the views of it side by side, where each comes from, findings."""

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from host_agent.case import views
from host_agent.case.case import Case
from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.domain import owner
from host_agent.domain.owner import OwnerKind
from host_agent.domain.tpm import Tpm
from host_agent.evidence.nvram import Database, Nvram
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing
from host_agent.output.audit import STYLES, heading, sentences
from host_agent.output.shared.names import libvirts, whose
from host_agent.output.shared.tables import print_table
from host_agent.output.shared.views import rows
from host_agent.printable import printable
from host_agent.verify import folding

_MOST_ENTRIES = 8


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
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("", "declared", "running", "booted as", "serving now"):
        table.add_column(title, overflow="fold", header_style="bold")
    for row in rows(views.of(case)):
        shown = row.name, row.declared, row.running, row.booted, row.serving
        table.add_row(*map(Text, shown))
    findings = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for alike in _alike(result.verdict.findings):
        first, more = alike[0], len(alike) - 1
        style = STYLES[first.outcome]
        check = f"{first.check} +{more}" if more else first.check
        findings.add_row(Text(check), Text(first.outcome, style), sentences(first))
    return Group(head, Text(), table, Text(), *_notes(case), Text(), findings)


def _alike(findings: Iterable[Finding]) -> Iterable[list[Finding]]:
    """Group what is skipped for one reason, as the checks against a baseline are without one."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        skipped = finding.outcome is Outcome.SKIP
        key = (finding.sentence, finding.remedy) if skipped else number
        groups.setdefault(key, []).append(finding)
    return groups.values()


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
    if definition.tpm is not None:
        yield _note("tpm", _tpm(definition.tpm, case))
    for title, view in (("booted as", case.booted), ("serving now", case.live)):
        yield _note(title, view.sentence if isinstance(view, Missing) else f"from {view.source}")


def _tpm(declared: Tpm, case: Case) -> str:
    """Return what is declared, where its state is, and what disks' keys it keeps."""
    words = [", ".join(filter(None, (declared.model, declared.version, declared.back_end)))]
    state, seen = case.tpm, case.observation
    words.append(state.sentence if isinstance(state, Missing) else f"state at {state.place}")
    guest = seen if isinstance(seen, Missing) else seen.hardware.tpm
    if not isinstance(guest, Missing) and guest.tokens:
        bound = (
            f"{one.device} ({one.type}, PCR "
            f"{'?' if one.pcrs is None else ' '.join(map(str, one.pcrs)) or 'none'})"
            for one in guest.tokens[:_MOST_ENTRIES]
        )
        words.append(f"unlocks {', '.join(bound)}")
    return "; ".join(words)


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

"""The command ``fleet``."""

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.commands.shared.console import destination
from host_agent.commands.shared.fleets import fleet_option, open_memory
from host_agent.commands.shared.options import formats
from host_agent.errors import UsageError
from host_agent.output.shared.exit_codes import VERIFIED
from host_agent.times import FORMS, parse_past

if TYPE_CHECKING:
    from collections.abc import Callable

    from host_agent.fleet.answers import Answers
    from host_agent.output.fleet import Answer

QUESTIONS = "status", "changed", "unverified", "ceiling", "same-name"


@click.command(
    "fleet",
    epilog="\b\nExamples:\n"
    "  samemachine fleet status                 hosts, verdicts, machine types\n"
    "  samemachine fleet status vm1             where a domain is; of a host: its domains\n"
    "  samemachine fleet changed --since 1h\n"
    "  samemachine fleet unverified             what is not verified, and which hosts are silent\n"
    "  samemachine fleet ceiling                above which type nothing may be raised\n"
    "  samemachine fleet same-name              one machine type, and not one machine\n"
    "  samemachine fleet status --fleet postgresql://samemachine@db1/samemachine --format json\n"
    "\n\b\nExit codes:\n  0  answered, whatever the answer is\n  2  usage or configuration\n"
    "  4  the fleet's memory can't be read, or no host has written to it",
)
@click.argument("question", type=click.Choice(QUESTIONS), metavar="QUESTION")
@click.argument("name", required=False)
@click.option(
    "--since",
    metavar="TIME",
    default="1h",
    show_default=True,
    help=f"of changed: nothing older: {FORMS}",
)
@click.option(
    "--silent-after",
    metavar="MINUTES",
    type=click.FloatRange(1, 525600),
    default=30.0,
    show_default=True,
    help="a host that was not heard for so long is silent",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 9999),
    default=50,
    show_default=True,
    metavar="N",
    help="no more than N domains, hosts or changes",
)
@fleet_option("the fleet's memory, which each host's serve writes")
@formats
def fleet_command(
    question: str,
    name: str | None,
    since: str,
    silent_after: float,
    limit: int,
    fleet: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Ask the fleet's memory: what stands where, changed, is unverified; what bounds upgrades.

    It answers from one database alone, into which each host's daemon writes its newest verdicts
    ('samemachine serve --fleet'). No host is asked.

    QUESTION is status, changed, unverified, ceiling or same-name. NAME, of status: a domain's name,
    title or UUID, or a host.
    """
    if name is not None and question != "status":
        raise UsageError(f"{question} takes no name; 'samemachine fleet status {name}' does")
    from host_agent.fleet.answers import Answers
    from host_agent.output import fleet as fleet_output

    memory = open_memory(fleet)
    start = parse_past(since, datetime.now().astimezone())
    answer = _asked(Answers(memory, limit), name, start, time.time() - 60 * silent_after, limit)[
        question
    ]()
    with destination(output) as console:
        if form == "json":
            console.file.write(fleet_output.render(question, memory.place, answer))
        else:
            fleet_output.print_answer(console, answer)
    return VERIFIED


def _asked(
    answers: "Answers", name: str | None, since: float, silent_before: float, limit: int
) -> "dict[str, Callable[[], Answer]]":
    from host_agent.fleet.answer import Changed, Where

    def changed() -> "Answer":
        changes, number = answers.changed(since)
        return Changed(since=since, changes=changes, number=number)

    def status() -> "Answer":
        if name is None:
            return answers.status(silent_before)
        return Where(name=name, domains=answers.where(name), most=limit)

    return {
        "status": status,
        "changed": changed,
        "unverified": lambda: answers.unverified(silent_before),
        "ceiling": answers.ceilings,
        "same-name": answers.same_name,
    }


COMMANDS = (fleet_command,)

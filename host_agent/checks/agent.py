"""``agent``: did the guest agent answer, and if not, why not?"""

from host_agent.case.case import Case
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing, Reason

ID = "agent"


def check(case: Case) -> Finding:
    """Judge whether the domain's guest agent answered (DESIGN: depth ``guest`` needs it)."""
    observation = case.observation
    if not isinstance(observation, Missing):
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            sentence=f"answered in {observation.seconds * 1000:.0f} ms, "
            f"samemachine-guest {observation.agent_version}",
        )
    expected = observation.reason not in {Reason.NOT_RUNNING, Reason.NOT_ENROLLED}
    return Finding(
        check=ID,
        outcome=Outcome.UNKNOWN if expected else Outcome.SKIP,
        sentence=observation.sentence,
        remedy=observation.remedy,
    )

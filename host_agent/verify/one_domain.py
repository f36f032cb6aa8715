"""One domain looked at and judged, for whoever looks at several."""

from host_agent.case.gather import Gatherer
from host_agent.case.results import Audited, Failed
from host_agent.guard import guarded
from host_agent.hypervisor import Domain
from host_agent.verify import policy


def audit_one(domain: Domain, gatherer: Gatherer) -> Audited | Failed:
    """Return a domain's case with its verdict; whatever goes wrong is this domain's alone."""

    def judged() -> Audited:
        case = gatherer.case(domain)
        return Audited(case=case, verdict=policy.judge(case))

    return guarded(judged, lambda why: Failed(name=domain.name, uuid=str(domain.uuid), error=why))

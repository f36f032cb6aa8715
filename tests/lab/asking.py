"""Runs ``samemachine audit`` on a host of the lab and reads its JSON."""

from dataclasses import dataclass
from typing import Any

from tests import json_output
from tests.lab.host import Host


@dataclass(frozen=True, slots=True)
class Audit:
    """The exit code and the domains of one audit."""

    exit_code: int
    domains: dict[str, Any]
    seconds: float

    def finding(self, domain: str, check: str) -> dict[str, Any]:
        """Return one finding of one domain."""
        (found,) = (f for f in self.domains[domain]["findings"] if f["check"] == check)
        return dict(found)

    def outcome(self, domain: str, check: str) -> str:
        """Return the outcome of one finding."""
        return str(self.finding(domain, check)["outcome"])


def audit(host: Host, *arguments: str) -> Audit:
    """Run an audit; the JSON's own exit code must be the command's."""
    done = host.samemachine("audit", "--format", "json", *arguments)
    return read(done.stdout, done.returncode, done.stderr)


def read(output: str, exit_code: int, error: str = "") -> Audit:
    """Read an audit's output."""
    assert output, error
    document = json_output.read(output)
    assert document["exit_code"] == exit_code
    hosts = document["hosts"]
    domains = {domain["name"]: domain for host in hosts for domain in host["domains"]}
    return Audit(exit_code, domains, sum(host["seconds"] for host in hosts))

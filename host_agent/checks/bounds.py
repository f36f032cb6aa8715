"""What a check says, bounded: whatever a guest sent, a finding is what people can read.

The one bound for all that is printed, kept, sent to the journal or handed to a command: no output
has to know how long a guest's string may be.
"""

from dataclasses import replace

from host_agent.difference import Difference
from host_agent.finding import Finding
from host_agent.printable import MOST, shortened

MAX_VALUE = 300
"""Characters of one value in a difference."""
MAX_DIFFERENCES = 64


def bounded(finding: Finding) -> Finding:
    """Return the finding with texts and differences cut, and said so where they were."""
    said = len(finding.sentence) + len(finding.expected or "") + len(finding.observed or "")
    if not finding.differences and said + len(finding.remedy or "") <= MOST:
        # Nearly always; a copy of each finding of each domain is felt.
        return finding
    return replace(
        finding,
        sentence=_cut(finding.sentence) or "",
        expected=_cut(finding.expected),
        observed=_cut(finding.observed),
        remedy=_cut(finding.remedy),
        differences=tuple(map(_bounded, finding.differences[:MAX_DIFFERENCES])),
    )


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MOST else shortened(text, MOST)


def _bounded(one: Difference) -> Difference:
    if max(len(one.old), len(one.new)) <= MAX_VALUE:
        return one
    return replace(one, old=shortened(one.old, MAX_VALUE), new=shortened(one.new, MAX_VALUE))

"""Says in the wire contract's words why evidence is missing."""

from guest_agent.errors import EvidenceError
from samemachine.v1 import guest_pb2

_DETAIL_BYTES = 500


def absence(group: int, error: EvidenceError) -> guest_pb2.Absence:
    """Return the message for a group that could not be read."""
    return guest_pb2.Absence(
        group=group,  # type: ignore[arg-type]  # an int is what it holds
        reason=f"ABSENCE_REASON_{error.reason.name}",
        detail=error.detail.encode("utf-8", "replace")[:_DETAIL_BYTES].decode("utf-8", "ignore"),
    )

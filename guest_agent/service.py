"""The servicer: a nonce comes in, a report goes out."""

from collections.abc import Mapping, Sequence

import grpc

from guest_agent.report import MAX_REPORT_BYTES, Reader, gather
from samemachine.v1 import guest_pb2, guest_pb2_grpc

NONCE_BYTES = range(16, 65)
"""How long a nonce may be; a shorter one could be guessed or repeated."""


class GuestAgent(guest_pb2_grpc.GuestAgentServicer):
    """Answers ``samemachine.v1.GuestAgent``. Stateless: every request reads everything anew.

    ``off`` are the groups that the administrator has switched off.
    """

    def __init__(self, readers: Mapping[str, Reader], off: Sequence[str]) -> None:
        self._readers = readers
        self._off = off

    def GetReport(  # noqa: N802 - the wire contract's name
        self, request: guest_pb2.GetReportRequest, context: grpc.ServicerContext
    ) -> guest_pb2.Report:
        """Gather and return a report; the status codes are those that guest.proto lists."""
        if len(request.nonce) not in NONCE_BYTES:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"the nonce has {len(request.nonce)} bytes; "
                f"{NONCE_BYTES.start} to {NONCE_BYTES.stop - 1} are wanted",
            )
        if not context.is_active():
            # It waited behind another one for longer than its host did: nobody would read it.
            return guest_pb2.Report()
        report = gather(request.nonce, self._readers, request.groups, self._off)
        if report.ByteSize() > MAX_REPORT_BYTES:
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"the report has {report.ByteSize()} bytes, over {MAX_REPORT_BYTES}",
            )
        return report

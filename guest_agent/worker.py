"""The gRPC worker: a process of its own that ``worker_process`` starts and ends."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

from guest_agent.report import MAX_REPORT_BYTES, readers
from guest_agent.service import GuestAgent
from samemachine.v1 import guest_pb2_grpc

_OPTIONS = (
    ("grpc.max_receive_message_length", 4096),
    ("grpc.max_send_message_length", MAX_REPORT_BYTES),
    ("grpc.max_concurrent_streams", 2),
    ("grpc.max_metadata_size", 8192),
)


def main(socket_path: str, refresh_fw_cfg: str, *groups_off: str) -> None:
    """Serve on the socket until standard input ends; print "ready" once it listens.

    ``refresh_fw_cfg`` is yes or no. What a Config is made of is not imported.
    """
    agent = GuestAgent(readers(refresh_fw_cfg=refresh_fw_cfg == "yes"), groups_off)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=1), maximum_concurrent_rpcs=2, options=_OPTIONS
    )
    guest_pb2_grpc.add_GuestAgentServicer_to_server(  # type: ignore[no-untyped-call]  # generated
        agent, server
    )
    server.add_insecure_port(f"unix:{socket_path}")
    server.start()
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    sys.stdin.buffer.read()
    server.stop(None).wait()

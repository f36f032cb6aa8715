"""Floor: bare unary calls, a channel of its own each. Called with a socket, how many, at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

socket, number, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
METHOD = "/samemachine.v1.GuestAgent/GetReport"
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))


def call(_: int) -> int:
    with grpc.insecure_channel(f"unix:{socket}", OPTIONS) as channel:
        method = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)
        return len(method(b"\x0a\x20" + b"n" * 32, timeout=60))


with ThreadPoolExecutor(max_workers=at_once) as pool:
    assert all(pool.map(call, range(number)))

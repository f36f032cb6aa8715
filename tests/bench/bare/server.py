"""Floor: a bare gRPC server that reads some files and answers with so many bytes.

Called with its socket, that number, and a JSON file of the files' names. Prints a line once it
listens, and ends when its standard input does.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

answer = bytes(int(sys.argv[2]))
files = json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))


def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
    for name in files:
        with suppress(OSError), open(name, "rb", buffering=0) as file:  # noqa: PTH123 - the least
            file.read()
    return answer


class Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(handle)


server = grpc.server(ThreadPoolExecutor(max_workers=1), handlers=[Service()])
server.add_insecure_port(f"unix:{sys.argv[1]}")
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop(None).wait()

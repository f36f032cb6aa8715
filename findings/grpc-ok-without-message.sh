#!/bin/sh
# grpcio 1.85.1, Python: a unary call whose server ends with status OK and sends no message is no
# error to the client. The call returns None, code() is OK, and no exception is raised.
#
# One would expect an RpcError: the method is declared to answer with one message, and grpc-java ends
# such a call with INTERNAL, "No value received for unary call" (ClientCalls.java). Here a typed stub
# returns None where its annotation says a message, and the caller fails later, elsewhere.
# All that it takes is a server whose method is a stream that yields nothing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null grpcio==1.85.1
cat >try.py <<'END'
from concurrent.futures import ThreadPoolExecutor

import grpc

NAME = "a.Service"
nothing = grpc.unary_stream_rpc_method_handler(lambda request, context: iter(()))
server = grpc.server(ThreadPoolExecutor(1))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, {"Ask": nothing}),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    answer, call = channel.unary_unary(f"/{NAME}/Ask").with_call(b"question", timeout=30)
    print("grpcio", grpc.__version__, "answer", answer, "code", call.code())
server.stop(None)
END
venv/bin/python try.py 2>/dev/null >seen
cat seen
echo 'grpcio 1.85.1 answer None code StatusCode.OK' | diff - seen
echo "as it was seen"

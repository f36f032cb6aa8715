#!/bin/sh
# grpcio 1.85.3, Python: two servers can listen on one Unix socket, also with grpc.so_reuseport off.
# The second takes the first's place without a word, and when the first then stops, it removes the
# socket of the second, which goes on to serve and can be reached by nobody.
#
# One would expect the second to be refused, as bind(2) does with EADDRINUSE and as grpcio does for a
# TCP port with that option, or at least that a server removes no socket but its own. So a restart
# that has the new server up before the old one goes, to lose no call, ends with none that arrives,
# and the new one knows nothing of it. (That the second takes the place was reported for 1.16, in
# 2018, as grpc issue 17122.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null grpcio==1.85.3
cat >try.py <<'END_OF_PYTHON'
import os
from concurrent.futures import ThreadPoolExecutor

import grpc


def serve(name, address):
    ask = grpc.unary_unary_rpc_method_handler(lambda request, context: name)
    server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.so_reuseport", 0)])
    service = grpc.method_handlers_generic_handler("a.Service", {"Ask": ask})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port(address)
    server.start()
    return server, port


def answer():
    # A connection of its own, each time.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel("unix:socket", options=options) as channel:
        try:
            return channel.unary_unary("/a.Service/Ask")(b"", timeout=30).decode()
        except grpc.RpcError as error:
            return error.code().name


print("grpcio", grpc.__version__)
old, _ = serve(b"the old server", "unix:socket")
print("one server:", answer())
new, _ = serve(b"the new server", "unix:socket")
print("two servers:", answer())
old.stop(None).wait()
del old
print("the old one stopped:", answer(), "- socket there:", os.path.exists("socket"))

one, port = serve(b"one", "127.0.0.1:0")
try:
    serve(b"another", f"127.0.0.1:{port}")
except RuntimeError as error:
    print("two servers on a TCP port:", type(error).__name__)
for server in (one, new):
    server.stop(None)
END_OF_PYTHON
venv/bin/python try.py 2>/dev/null >seen
cat seen
diff - seen <<'END_SEEN'
grpcio 1.85.3
one server: the old server
two servers: the new server
the old one stopped: UNAVAILABLE - socket there: False
two servers on a TCP port: RuntimeError
END_SEEN
echo "as it was seen"

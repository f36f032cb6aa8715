"""``make bench``: what a report and a probe cost, beside what neither can be faster than.

Reports: one client, one server in a process of its own, both on this machine. ``bare``: gRPC over
a unix socket. ``framed``: the same call as the host agent makes it, a session of its own each time,
over a socket that stands for QEMU's. Neither has a guest in it. Probes: see
``tests.bench.probing``, on the lab's hosts, where the lab can run; there an arrival too:
``tests.bench.arrival``.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from guest_agent.config import Config
from guest_agent.worker_process import WorkerProcess
from host_agent.guest import link as guest_link
from host_agent.guest.ways import SocketStream
from samemachine.v1 import guest_pb2, guest_pb2_grpc
from tests.bench import arrival
from tests.bench.resident import resident
from tests.lab import lab as laboratory

CALLS = 200


def median(call: Callable[[], None]) -> float:
    """Return the median of many calls in seconds, after some that don't count."""
    for _ in range(10):
        call()
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def bare() -> float:
    """A call on a connection that stays open."""
    worker = WorkerProcess(Config())
    worker.connect().close()
    try:
        with grpc.insecure_channel(f"unix:{worker.socket}") as channel:
            stub = guest_pb2_grpc.GuestAgentStub(channel)  # type: ignore[no-untyped-call]
            request = guest_pb2.GetReportRequest(nonce=b"n" * 32)
            return median(lambda: stub.GetReport(request))
    finally:
        worker.close()


def framed() -> float:
    """A call as an audit makes it: connect, open a session, ask, close."""
    with tempfile.TemporaryDirectory() as folder, resident(Path(folder)) as path:

        def call() -> None:
            stream = SocketStream.connect(path)
            try:
                guest_link.ask(stream, time.monotonic() + 10)
            finally:
                stream.close()

        return median(call)


def in_the_lab() -> None:
    """Measure probes on each host of the lab, and an arrival, and print."""
    why = laboratory.hindrance()
    if why is not None:
        print(f"probes and arrivals not measured: {why}")
        return
    laboratory.build("hosta", "hostb")
    with laboratory.running() as lab:
        for name in ("hosta", "hostb"):
            figures = json.loads(lab.host(name).python("-m", "tests.bench.probing"))
            floor, ours, types = figures["floor"], figures["ours"], figures["types"]
            print(
                f"\nQEMU {figures['qemu']}: {types} machine types, {figures['at_once']} at once, "
                f"median of {figures['rounds']}"
            )
            print(
                f"QEMU only started and quit     {floor:6.2f} s {types / floor:6.0f} types/s   1.0"
            )
            print(
                f"samemachine probe              {ours:6.2f} s {types / ours:6.0f} types/s   "
                f"{figures['ratio']:.2f}"
            )
            print(
                f"peak memory: {figures['own_kib'] // 1024} MiB, and "
                f"{figures['largest_qemu_kib'] // 1024} MiB the largest QEMU"
            )
        arrival.measure(lab)


def main() -> int:
    """Measure and print."""
    floor, ours = bare(), framed()
    print(f"{CALLS} calls each, median; this machine, nothing else measured")
    print(f"bare RPC on an open connection     {floor * 1000:8.2f} ms   1.0")
    print(f"a session of its own for each call {ours * 1000:8.2f} ms   {ours / floor:.1f}")
    in_the_lab()
    return 0


if __name__ == "__main__":
    sys.exit(main())

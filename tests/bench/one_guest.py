"""One guest of this host: asked barely, and audited, in turn; seconds from its channel opened.

``python -m tests.bench.one_guest NAME ROUNDS`` prints JSON.
"""

import json
import sys
import time

from host_agent.case.gather import Gatherer
from host_agent.case.results import Audited
from host_agent.domain.definition import CHANNEL_NAME, parse
from host_agent.guest import link
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.guest.ways import SocketStream
from host_agent.hypervisor import connected
from host_agent.hypervisor.selection import chosen
from host_agent.verify.one_domain import audit_one

URI = "qemu:///system"
_SECONDS = 60.0
_opened: list[float] = []


def watch() -> None:
    """Have every opening of a channel told."""
    connect = SocketStream.connect

    def watched(path: str) -> SocketStream:
        stream = connect(path)
        _opened.append(time.perf_counter())
        return stream

    SocketStream.connect = watched  # type: ignore[method-assign]


def asked(path: str) -> float:
    """One bare call: opened, asked, answered."""
    stream = SocketStream.connect(path)
    try:
        link.ask(stream, time.monotonic() + _SECONDS)
    finally:
        stream.close()
    return time.perf_counter() - _opened[-1]


def main(name: str, rounds: int) -> None:
    watch()
    floor, ours = [], []
    with connected(URI) as hypervisor:
        (domain,) = chosen(hypervisor.domains(), (name,), URI)
        channel = parse(domain.xml(inactive=False)).channel
        assert channel is not None, CHANNEL_NAME
        assert channel.path is not None, CHANNEL_NAME
        gatherer = Gatherer.on(
            hypervisor, URI, seconds=_SECONDS, probe=True, opened=OpenedChannels()
        )
        for number in range(rounds + 1):
            bare = asked(channel.path)
            result = audit_one(domain, gatherer)
            took = time.perf_counter() - _opened[-1]
            assert isinstance(result, Audited)
            assert result.verdict.depth == "guest"
            # What the first ones cost more is paid once.
            if number:
                floor.append(bare)
                ours.append(took)
    json.dump({"floor": floor, "ours": ours}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

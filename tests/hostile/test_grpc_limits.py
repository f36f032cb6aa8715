"""Every limit that gRPC knows is set, or there is a reason: in the oldest version and the newest.

The names are read from gRPC's own library, so that one that comes with a newer version is found.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from host_agent.guest.link import OPTIONS
from tests.hostile.guests import OLDEST

LOOKED_AT = (1, 85)
"""The newest version whose limits are in the table."""
_NAME = re.compile(rb"grpc\.[a-z0-9_.]+")
_LIMIT = re.compile(
    "max|min_|size|limit|compress|timeout|bytes|quota|window|bdp|_ms$|strikes|pings|length|buffer"
    "|backoff|hpack|concurrent|stack|retries|channelz$"
)
_OTHERS = re.compile(r"grpc\.(_|internal|xds|lb\.|testing|event_engine|status\.|channelz)")
"""What is no argument of a channel, or is xDS's or a test's."""

_NOT_SET = {
    "is of the calling side, and small": (
        "grpc.default_compression_level", "grpc.http2.hpack_table_size.encoder",
        "grpc.per_message_compression",
        "grpc.experimental.tcp_tx_zerocopy_max_simultaneous_sends",
        "grpc.experimental.tcp_tx_zerocopy_send_bytes_threshold",
        "grpc.secure_endpoint.encryption_offload_max_buffered_writes",
    ),
    "takes the check of compressed messages away with it": (
        "grpc.minimal_stack", "grpc.per_message_decompression",
    ),
    "is a server's": (
        "grpc.experimental.server_config_change_drain_grace_time_ms",
        "grpc.http.max_concurrent_streams_reject_on_client",
        "grpc.http.tarpit_max_duration_ms", "grpc.http.tarpit_min_duration_ms",
        "grpc.http2.max_deallocating_streams", "grpc.http2.max_ping_strikes",
        "grpc.http2.max_requests_per_read", "grpc.http2.min_ping_interval_without_data_ms",
        "grpc.max_allowed_incoming_connections", "grpc.max_concurrent_streams",
        "grpc.max_connection_age_grace_ms", "grpc.max_connection_age_ms",
        "grpc.max_connection_idle_ms", "grpc.server.max_pending_requests",
        "grpc.server.max_pending_requests_hard_limit", "grpc.server_handshake_timeout_ms",
        "grpc.server_max_unrequested_time_in_server",
    ),
    "is of connections that are held, and of trying again: ours has one call, and its deadline": (
        "grpc.client_idle_timeout_ms", "grpc.keepalive_time_ms", "grpc.keepalive_timeout_ms",
        "grpc.http2.ack_pings", "grpc.http2.max_inflight_pings",
        "grpc.http2.max_pings_without_data",
        "grpc.http2.ping_timeout_ms", "grpc.http2.settings_timeout",
        "grpc.initial_reconnect_backoff_ms", "grpc.min_reconnect_backoff_ms",
        "grpc.max_reconnect_backoff_ms", "grpc.max_connections_per_subchannel_cap",
    ),
    "is of names and load balancers, and the target is a socket": (
        "grpc.dns_ares_query_timeout", "grpc.dns_min_time_between_resolutions_ms",
        "grpc.grpclb_call_timeout_ms", "grpc.grpclb_fallback_timeout_ms",
        "grpc.happy_eyeballs_connection_attempt_delay_ms", "grpc.priority_failover_timeout_ms",
    ),
    "is of TLS, TCP, or of a use of frames that is switched on first": (
        "grpc.tsi.max_frame_size", "grpc.tcp_receive_buffer_size",
        "grpc.http2.max_security_frame_size", "grpc.experimental.http2.enable_preferred_frame_size",
    ),
    "takes an object of C's, which Python can't give; or is a word of its metrics": (
        "grpc.resource_quota", "grpc.resource_quota.calls_dropped",
        "grpc.resource_quota.calls_rejected", "grpc.resource_quota.connections_dropped",
        "grpc.resource_quota.instantaneous_memory_pressure",
        "grpc.resource_quota.memory_pressure_control_value",
    ),
}  # fmt: skip
_SET = dict(OPTIONS)


def limits(python: str) -> set[str]:
    """The names of all limits in the gRPC of one Python."""
    program = "import grpc._cython.cygrpc as core; print(core.__file__)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    names = {name.decode() for name in _NAME.findall(Path(done.stdout.strip()).read_bytes())}
    return {name for name in names if _LIMIT.search(name) and not _OTHERS.match(name)}


@pytest.mark.parametrize("python", [OLDEST / "bin/python", sys.executable], ids=["old", "new"])
def test_each_limit_is_set_or_has_a_reason(python: Path) -> None:
    if not Path(python).exists():
        pytest.skip("there is no .venv-oldest: make venv")
    reasons = {name for names in _NOT_SET.values() for name in names}
    assert not reasons & set(_SET)
    # The library may have other words beside them.
    told = {name for name in limits(str(python)) if not name.endswith(".")}
    unknown = told - set(_SET) - reasons
    program = "from importlib import metadata; print(metadata.version('grpcio'))"
    version = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    if tuple(map(int, version.split(".")[:2])) > LOOKED_AT and unknown:
        pytest.skip(f"{version.strip()} was not looked at yet: {sorted(unknown)}")
    assert not unknown


def test_nothing_compressed_is_taken_and_the_rest_is_small() -> None:
    assert _SET["grpc.compression_enabled_algorithms_bitset"] == 1
    assert _SET["grpc.max_receive_message_length"] == 1 << 20
    assert _SET["grpc.absolute_max_metadata_size"] <= 16384

"""The committed stubs are the oldest supported generator's, and every field is explained."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from tests.checkout import CHECKOUT

OLDEST = CHECKOUT / ".venv-oldest" / "bin" / "python"
PROTO = "samemachine/v1/guest.proto"
STUBS = ("guest_pb2.py", "guest_pb2.pyi", "guest_pb2_grpc.py")


def protoc(*options: str) -> None:
    subprocess.run(
        [OLDEST, "-m", "grpc_tools.protoc", f"--proto_path={CHECKOUT / 'proto'}", *options, PROTO],
        check=True,
        capture_output=True,
    )


def test_stubs_are_fresh(tmp_path: Path) -> None:
    protoc(*(f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")))
    for name in STUBS:
        made = (tmp_path / "samemachine" / "v1" / name).read_text(encoding="utf-8")
        committed = (CHECKOUT / "proto" / "samemachine" / "v1" / name).read_text(encoding="utf-8")
        assert committed == made, f"{name} is not what guest.proto gives: make stubs"


def test_everything_in_the_contract_is_explained(tmp_path: Path) -> None:
    out = tmp_path / "set"
    protoc("--include_source_info", f"--descriptor_set_out={out}")
    files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    (file,) = files.file
    explained = {
        tuple(place.path)
        for place in file.source_code_info.location
        if place.leading_comments.strip()
    }
    # Paths as descriptor.proto numbers them: 4 messages, 5 enums, 6 services; 2 their parts.
    wanted: dict[tuple[int, ...], str] = {}
    for number, message in enumerate(file.message_type):
        wanted[4, number] = message.name
        for at, field in enumerate(message.field):
            wanted[4, number, 2, at] = f"{message.name}.{field.name}"
    for number, enum in enumerate(file.enum_type):
        wanted[5, number] = enum.name
        for at, value in enumerate(enum.value):
            wanted[5, number, 2, at] = value.name
    for number, service in enumerate(file.service):
        wanted[6, number] = service.name
        for at, method in enumerate(service.method):
            wanted[6, number, 2, at] = f"{service.name}.{method.name}"
    assert not [name for path, name in wanted.items() if path not in explained]


ROUND_TRIP = """
from samemachine.v1 import guest_pb2, guest_pb2_grpc
report = guest_pb2.Report(nonce=b"n" * 32, agent_version="9")
report.boot.boot_id = "b"
report.absences.add(group=guest_pb2.EVIDENCE_GROUP_CPU, reason=guest_pb2.ABSENCE_REASON_ABSENT)
# field 999, which no version knows, and an enum value that none knows
raw = report.SerializeToString() + bytes([0xBA, 0x3E, 2]) + b"xx" + bytes([0x1A, 2, 0x08, 0x7F])
back = guest_pb2.Report.FromString(raw)
assert back.nonce == report.nonce and back.boot.boot_id == "b" and len(back.absences) == 2
assert guest_pb2.Report.FromString(back.SerializeToString()) == back
assert guest_pb2_grpc.GuestAgentStub
"""


@pytest.mark.parametrize("python", [Path(sys.executable), OLDEST], ids=["newest", "oldest"])
def test_the_stubs_run_on_both_ends_of_the_range(python: Path) -> None:
    done = subprocess.run(
        [python, "-c", ROUND_TRIP],
        env={"PYTHONPATH": str(CHECKOUT / "proto")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

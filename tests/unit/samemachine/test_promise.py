"""What NEWS.md promises of the wire contract: no name and no number of a release is ever another.

``tests/data/contract`` has a file for each release that changed it. SAMEMACHINE_REGENERATE=1 writes
that of the newest one, which is right only until it is released.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2

from host_agent import __version__
from samemachine.v1 import guest_pb2

RELEASED = Path(__file__).resolve().parents[2] / "data/contract"
REGENERATE = os.environ.get("SAMEMACHINE_REGENERATE")


def contract() -> Iterator[str]:
    """Each field, value and method, with all that the other end goes by."""
    file = descriptor_pb2.FileDescriptorProto()
    guest_pb2.DESCRIPTOR.CopyToProto(file)
    for message in file.message_type:
        for field in message.field:
            kind = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)
            label = descriptor_pb2.FieldDescriptorProto.Label.Name(field.label)
            words = (kind, field.type_name, label, "proto3 optional" * field.proto3_optional)
            yield f"{message.name}.{field.name} = {field.number}: {' '.join(filter(None, words))}"
    for enum in file.enum_type:
        for value in enum.value:
            yield f"{enum.name}.{value.name} = {value.number}"
    for service in file.service:
        for method in service.method:
            yield f"{service.name}.{method.name}: {method.input_type} -> {method.output_type}"


def test_what_a_release_had_is_still_there() -> None:
    now = sorted(contract())
    if REGENERATE:
        RELEASED.mkdir(exist_ok=True)
        (RELEASED / f"{__version__}.txt").write_text("\n".join(now) + "\n", encoding="utf-8")
    releases = sorted(RELEASED.glob("*.txt"))
    assert releases
    for release in releases:
        gone = set(release.read_text(encoding="utf-8").splitlines()) - set(now)
        assert not gone, f"{release.stem} had this"

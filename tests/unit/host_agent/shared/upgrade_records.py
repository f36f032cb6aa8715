"""A record of an upgrade, for tests to change."""

from host_agent.case.results import Depth
from host_agent.records.upgrade_record import Record
from tests.smbios_builder import UUID_1

OLD, NEW = "pc-i440fx-2.8", "pc-i440fx-7.2"
RECORD = Record(
    uuid=UUID_1,
    name="vm1",
    host="node17",
    uri="qemu:///system",
    old=OLD,
    new=NEW,
    written=OLD,
    backup="original-20260302T041100.000000Z.00ff.xml",
    sha256="0" * 64,
    started=1.0,
    changed=2.0,
    was_running=True,
    depth=Depth.GUEST,
)

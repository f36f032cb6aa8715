"""A fleet's memory as many hosts would have filled it: made in the database, by its own numbers."""

import base64

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from host_agent.difference import Area
from host_agent.firmware.fingerprint import digest
from host_agent.fleet import tables
from host_agent.fleet.memory import Memory
from tests import smbios_builder

DOMAINS = 50
"""Of each host."""
TYPES = [
    f"pc-{kind}-{version}"
    for kind in ("q35", "i440fx")
    for version in ("5.2", "6.2", "7.2", "8.2", "9.2", "10.0")
]
QEMUS = "7.2.22", "8.2.7", "10.0.2"
SHAPES = 8
"""Flavours: what else QEMU's options may be."""
NOW = 1.7e9
_TABLES = "DSDT", "FACP", "APIC", "HPET", "MCFG", "WAET"

_HOSTS = """
INSERT INTO samemachine_fleet_hosts (host, seen, libvirt, qemu)
SELECT 'node' || lpad(h::text, 5, '0'), :now - h % 3000, '10.0.0',
       (CAST(:qemus AS text[]))[1 + h * 3 / :hosts]
FROM generate_series(0, :hosts - 1) h"""
_DOMAINS = """
INSERT INTO samemachine_fleet_domains
SELECT 'node' || lpad(h::text, 5, '0'), lpad(to_hex(h::bigint * 65536 + d), 32, '0')::uuid::text,
       'instance-' || lpad(to_hex(h::bigint * 64 + d), 8, '0'), 'web ' || h || '-' || d,
       t.machine, 'x86_64',
       CASE WHEN (h + d) % 97 = 0 THEN 'mismatch' WHEN (h * 7 + d) % 31 = 0 THEN 'unverified'
            WHEN d % 10 = 9 THEN 'not running' ELSE 'verified' END,
       'guest', 'restart', q.qemu,
       CASE WHEN (h + d) % 97 = 0 THEN 'machine-type' WHEN (h * 7 + d) % 31 = 0 THEN 'agent' END,
       CASE WHEN (h + d) % 97 = 0 OR (h * 7 + d) % 31 = 0 THEN 'the guest says otherwise' END,
       :now - (h * 50 + d) % 86400, :now - (h * 50 + d) % 86400,
       md5(t.machine || (h * 3 + d) % :shapes), md5(t.machine || q.qemu)
FROM generate_series(0, :hosts - 1) h
CROSS JOIN LATERAL (SELECT (CAST(:qemus AS text[]))[1 + h * 3 / :hosts] AS qemu) q
CROSS JOIN generate_series(0, :domains - 1) d
CROSS JOIN LATERAL (SELECT (CAST(:types AS text[]))[1 + (h * 5 + d) % 12] AS machine) t"""
_CHANGES = """
INSERT INTO samemachine_fleet_changes (time, host, uuid, name, what, old, new)
SELECT :now - (row_number() OVER ()) % 864000, host, uuid, name, 'verdict', 'unverified', verdict
FROM samemachine_fleet_domains"""
_OFFERS = """
INSERT INTO samemachine_fleet_offers (host, architecture, offer)
SELECT host, 'x86_64', md5(qemu) FROM samemachine_fleet_hosts"""


def fill(memory: Memory, hosts: int) -> None:
    """Make so many hosts, in an empty database of PostgreSQL's."""
    given = {
        "now": NOW,
        "hosts": hosts,
        "domains": DOMAINS,
        "qemus": list(QEMUS),
        "types": TYPES,
        "shapes": SHAPES,
    }
    with memory._database.transaction(tables.make, write=True) as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for statement in (_HOSTS, _DOMAINS, _CHANGES, _OFFERS):
            connection.execute(sql.text(statement), given)
        _small(connection)
    with memory._database.transaction(tables.make, write=True) as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("ANALYZE")


def _small(connection: Connection) -> None:
    md5 = sql.func.md5
    for qemu in QEMUS:
        major = float(qemu.rpartition(".")[0])
        names = [one for one in TYPES if float(one.rpartition("-")[2]) <= major]
        connection.execute(
            tables.OFFER_LISTS.insert().values(
                offer=md5(qemu), names=f'{{"names": {names}, "deprecated": []}}'.replace("'", '"')
            )
        )
        for machine in TYPES:
            raw = smbios_builder.tables(version=f"{machine} of {qemu}")
            parts = (
                f"{Area.ACPI} {name}: 8192 {digest(f'{name} {machine} {qemu}'.encode())[:16]}"
                for name in _TABLES
            )
            connection.execute(
                tables.SHOWN.insert().values(
                    shown=md5(machine + qemu),
                    tables=base64.b64encode(raw).decode(),
                    parts="\n".join(parts),
                )
            )

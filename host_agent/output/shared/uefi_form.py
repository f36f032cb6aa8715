"""What of a domain's UEFI goes into JSON documents."""

from typing import Any

from host_agent.case.case import Case
from host_agent.evidence.hardware import Uefi
from host_agent.evidence.nvram import BootEntry, Database, Nvram
from host_agent.evidence.observation import Observation
from host_agent.missing import Missing
from host_agent.output.shared.missing_form import missing_form


def uefi_form(case: Case) -> dict[str, Any] | None:
    """Return what its firmware keeps, as host and guest see it; None: it has no UEFI."""
    if case.declared.definition.uefi is None:
        return None
    seen = case.observation
    return {
        "store": _store(case.nvram),
        "template": _store(case.template),
        "guest": _guest(seen.hardware.uefi if isinstance(seen, Observation) else seen),
    }


def _store(store: Nvram | Missing) -> dict[str, Any]:
    if isinstance(store, Missing):
        return missing_form(store)
    return {
        "secure_boot": store.secure_boot,
        "databases": {name: _database(one) for name, one in store.databases.items()},
        "boot_order": list(store.boot_order),
        "boot": [_entry(one) for one in store.boot.values()],
        "unreadable": list(store.unreadable),
        "variables": store.variables,
    }


def _database(database: Database) -> dict[str, Any]:
    return {
        "size": database.size,
        "sha256": database.sha256,
        "certificates": [
            {
                "sha256": one.sha256,
                "subject": one.subject,
                "issuer": one.issuer,
                "not_after": None if one.not_after is None else str(one.not_after),
            }
            for one in database.certificates
        ],
        "hashes": database.hashes,
        "written": None if database.written is None else str(database.written),
    }


def _entry(entry: BootEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "active": entry.active,
        "title": entry.title,
        "path": entry.path,
        "mac": entry.mac,
        "partition": None if entry.partition is None else str(entry.partition),
    }


def _guest(guest: Uefi | Missing) -> dict[str, Any]:
    if isinstance(guest, Missing):
        return missing_form(guest)
    return {
        "secure_boot": guest.secure_boot,
        "setup_mode": guest.setup_mode,
        "databases": dict(guest.databases),
    }

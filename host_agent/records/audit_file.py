"""The document of ``audit --format json``, read back. Pure.

Anybody may have written it: what is not as the schema says ends with an error, and no text of it is
anything but text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from host_agent.case.views import Views
from host_agent.difference import Area, Difference
from host_agent.domain.owner import Owner, OwnerKind
from host_agent.errors import UsageError
from host_agent.finding import Finding, Outcome, Waived
from host_agent.firmware.smbios import Named
from host_agent.missing import SILENT, Reason
from host_agent.printable import printable
from host_agent.records.audited import AuditedDomain, AuditedHost
from host_agent.untrusted_text import TextError, json_of

SCHEMA = 1
MAX_BYTES = 256 * 1024 * 1024
"""Of one file; a domain is some 30 KB."""
_MAX_VALUES = 8_000_000
_ID = "urn:samemachine:schema:audit:"
_Form = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFile:
    """What one document says."""

    unreachable: tuple[str, ...]
    hosts: tuple[AuditedHost, ...]


def parse(text: str, name: str) -> AuditFile:
    """Return what a document says; ``name``: the file's. Raises ``UsageError``."""
    try:
        form = json_of(text, _MAX_VALUES)
    except TextError as error:
        raise UsageError(f"{name} is no audit: it is no JSON: {error}") from error
    try:
        return _file(form)
    except KeyError as error:
        raise UsageError(f"{name} is no audit: it lacks {printable(str(error))}") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{name} is no audit: {printable(str(error), 200)}") from error


def _file(form: Any) -> AuditFile:
    if not isinstance(form, dict) or not str(form.get("$schema")).startswith(_ID):
        raise ValueError("give what 'samemachine audit --format json' prints")
    if form["schema"] != SCHEMA:
        raise ValueError(f"it has schema {form['schema']!r}, this samemachine knows {SCHEMA}")
    return AuditFile(
        unreachable=tuple(map(_text, _list(form["unreachable"]))),
        hosts=tuple(map(_host, _list(form["hosts"]))),
    )


def _host(form: _Form) -> AuditedHost:
    return AuditedHost(
        uri=_text(form["uri"]),
        name=_text(form["name"]),
        distribution=_perhaps(form["distribution"]),
        driver=_text(form["driver"]),
        hypervisor=_text(form["hypervisor"]),
        package=_perhaps(form["package"]),
        libvirt=_text(form["libvirt"]),
        started=_time(form["started"]),
        seconds=float(form["seconds"]),
        domains=tuple(map(_domain, _list(form["domains"]))),
    )


def _domain(form: _Form) -> AuditedDomain:
    name, uuid = _text(form["name"]), _text(form["uuid"])
    if "error" in form:
        return AuditedDomain(name=name, uuid=uuid, word="failed", error=_text(form["error"]))
    evidence = form["evidence"]
    declared = evidence["declared"]
    machine = _perhaps(declared["active_machine"]) or _perhaps(declared["persistent_machine"])
    told = [_finding(one) for one in _list(form["findings"])]
    return AuditedDomain(
        name=name,
        uuid=uuid,
        word=_word(form, evidence["guest"]),
        owner=_owner(form["owner"]),
        state=_text(form["state"]),
        depth=_perhaps(form["depth"]) or "",
        machine=machine,
        architecture=_perhaps(declared["architecture"]),
        views=_views(form, machine, evidence),
        findings=tuple(finding for finding, _ in told),
        known=frozenset(one for _, known in told for one in known),
    )


def _word(form: _Form, guest: _Form) -> str:
    decision = _perhaps(form["verdict"])
    if decision is None:
        return "not running"
    if decision not in {"verified", "mismatch", "unverified"}:
        raise ValueError(f"{decision!r} is no verdict")
    silent = "missing" in guest and Reason(guest["missing"]) in SILENT
    return "no answer" if decision == "unverified" and silent else decision


def _owner(form: _Form) -> Owner:
    return Owner(
        kind=OwnerKind(form["kind"]),
        name=_perhaps(form["name"]),
        project=_perhaps(form["project"]),
    )


def _finding(form: _Form) -> tuple[Finding, list[Difference]]:
    differences = [(_difference(one), one["known"]) for one in _list(form.get("differences", []))]
    waived = form.get("waived")
    finding = Finding(
        check=_text(form["check"]),
        outcome=Outcome(form["outcome"]),
        sentence=_text(form["sentence"]),
        expected=_perhaps(form.get("expected")),
        observed=_perhaps(form.get("observed")),
        remedy=_perhaps(form.get("remedy")),
        differences=tuple(one for one, _ in differences),
        waived=waived
        and Waived(reason=_text(waived["reason"]), until=date.fromisoformat(waived["until"])),
    )
    return finding, [one for one, known in differences if known is True]


def _difference(form: _Form) -> Difference:
    return Difference(
        area=Area(form["area"]),
        subject=_text(form["subject"]),
        field=_text(form["field"]),
        old=_text(form["old"]),
        new=_text(form["new"]),
        count=int(form["count"]),
    )


def _views(form: _Form, machine: str | None, evidence: _Form) -> Views:
    expected, running, guest = evidence["expected"], evidence["running"], evidence["guest"]
    silent = "missing" in guest
    booted = None if silent else _named(guest["booted"]) or _named(guest["dmi"])
    return Views(
        machine=machine,
        uuid=_text(form["guest_uuid"]),
        # An older samemachine wrote none of these three.
        versions=_texts(expected.get("versions")),
        manufacturers=_texts(expected.get("manufacturers")),
        products=_texts(expected.get("products")),
        running_machine=_perhaps(running.get("machine")),
        running_uuid=_perhaps(running.get("uuid")),
        booted=booted or _named(evidence["memory"]),
        serving=None if silent else _named(guest["live"]),
        next_start=_named(evidence["next_start"]),
    )


def _named(form: _Form) -> Named | None:
    # A probe of a machine without SMBIOS has no tables.
    if "missing" in form or "source" not in form:
        return None
    uuid = _perhaps(form["uuid"])
    return Named(
        source=_text(form["source"]),
        manufacturer=_perhaps(form["manufacturer"]),
        product=_perhaps(form["product"]),
        version=_perhaps(form["version"]),
        uuid=UUID(uuid) if uuid else None,
        chassis_version=_perhaps(form["chassis_version"]),
        processor_version=_perhaps(form["processor_version"]),
    )


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(_text(value))
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"where a text belongs stands {type(value).__name__}")
    return value


def _perhaps(value: Any) -> str | None:
    return None if value is None else _text(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"where a list belongs stands {type(value).__name__}")
    return value


def _texts(value: Any) -> frozenset[str] | None:
    return None if value is None else frozenset(map(_text, _list(value)))

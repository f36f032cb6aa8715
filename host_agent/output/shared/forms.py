"""What of an audited domain goes into JSON documents."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from host_agent.case import views
from host_agent.case.case import Case
from host_agent.case.results import Audited, Confirmed, Failed
from host_agent.difference import Difference, Prediction
from host_agent.domain import owner
from host_agent.domain.definition import Definition
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import ProbedTables, Running
from host_agent.finding import Finding
from host_agent.firmware import effects
from host_agent.firmware.smbios import Named, Smbios
from host_agent.missing import Missing
from host_agent.output.shared.counting import decision
from host_agent.output.shared.missing_form import missing_form
from host_agent.output.shared.tpm_form import tpm_form
from host_agent.output.shared.uefi_form import uefi_form
from host_agent.verify import predicted

SCHEMA = 1


def domain_form(result: Audited | Failed, predictions: Sequence[Prediction] = ()) -> dict[str, Any]:
    """Return one domain: verdict, findings and evidence."""
    if isinstance(result, Failed):
        return {
            "name": result.name,
            "uuid": result.uuid,
            "verdict": decision(result),
            "error": result.error,
        }
    case, verdict = result.case, result.verdict
    definition = case.declared.definition
    return {
        "name": definition.name,
        "uuid": str(definition.uuid),
        "guest_uuid": str(definition.guest_uuid),
        "not_judged": list(definition.unjudged),
        "not_known": list(definition.unknown),
        "owner": _owner(definition),
        "state": case.declared.state,
        "verdict": verdict.decision,
        "depth": verdict.depth,
        "findings": [_finding(case, finding, predictions) for finding in verdict.findings],
        "evidence": _evidence(case),
    }


def plain_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding that is of no case: of a preflight or a plan."""
    fields = {
        "check": finding.check, "outcome": finding.outcome, "sentence": finding.sentence,
        "expected": finding.expected, "observed": finding.observed, "remedy": finding.remedy,
        "differences": [str(difference) for difference in finding.differences] or None,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def confirmed_form(confirmed: Confirmed | Failed) -> dict[str, Any]:
    """Return a domain that was verified, with what became of its baseline."""
    if isinstance(confirmed, Failed):
        return domain_form(confirmed)
    return domain_form(confirmed.audited) | {
        "occasion": confirmed.audited.case.occasion,
        "baseline_kept": confirmed.kept,
        "notes": list(confirmed.complaints),
    }


def _owner(definition: Definition) -> dict[str, Any]:
    found = owner.of(definition)
    return {"kind": found.kind, "name": found.name, "project": found.project}


def _finding(case: Case, finding: Finding, predictions: Sequence[Prediction]) -> dict[str, Any]:
    _, known = predicted.of(case, finding, predictions)
    fields = {
        "check": finding.check,
        "outcome": finding.outcome,
        "sentence": finding.sentence,
        "expected": finding.expected,
        "observed": finding.observed,
        "remedy": finding.remedy,
        "waived": _waived(finding),
        "differences": [
            _difference(difference, known=difference in known) for difference in finding.differences
        ]
        or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _waived(finding: Finding) -> dict[str, str] | None:
    if finding.waived is None:
        return None
    return {"reason": finding.waived.reason, "until": str(finding.waived.until)}


def _difference(difference: Difference, *, known: bool) -> dict[str, Any]:
    return {
        "area": difference.area,
        "subject": difference.subject,
        "field": difference.field,
        "old": difference.old,
        "new": difference.new,
        "count": difference.count,
        "effect": effects.of(difference).effect,
        "known": known,
    }


def _evidence(case: Case) -> dict[str, Any]:
    declared = case.declared
    return {
        "declared": {
            "active_machine": declared.active.machine if declared.active else None,
            "persistent_machine": declared.persistent.machine if declared.persistent else None,
            "architecture": declared.definition.architecture,
            "emulator": declared.definition.emulator,
        },
        "expected": _expected(case),
        "running": _running(case.running),
        "memory": _tables(case.memory),
        "now": _probed(case.now),
        "next_start": _probed(case.next_start),
        "guest": _guest(case.observation),
        "uefi": uefi_form(case),
        "tpm": tpm_form(case),
    }


def _probed(probed: ProbedTables | Missing) -> dict[str, Any]:
    if isinstance(probed, Missing):
        return missing_form(probed)
    return {
        "binary": probed.binary,
        "accelerator": probed.accelerator,
        "not_compared": [{"type": kind, "field": field} for kind, field in sorted(probed.masked)],
        **(_tables(probed.smbios) if probed.smbios else {"tables": None}),
    }


def _expected(case: Case) -> dict[str, Any]:
    expected, right = case.expected, views.of(case)
    if isinstance(expected, Missing):
        return missing_form(expected)
    return {
        "source": expected.source,
        "machine": expected.machine,
        "visible": expected.visible,
        "why": expected.why,
        "versions": _texts(right.versions),
        "manufacturers": _texts(right.manufacturers),
        "products": _texts(right.products),
    }


def _texts(any_of: frozenset[str] | None) -> list[str] | None:
    return None if any_of is None else sorted(any_of)


def _running(running: Running | Missing) -> dict[str, Any]:
    if isinstance(running, Missing):
        return missing_form(running)
    return {
        "pid": running.pid,
        "machine": running.machine,
        "uuid": str(running.uuid) if running.uuid else None,
        "binary": running.binary,
        "binary_deleted": running.binary_deleted,
        "binary_replaced": running.replaced,
        "started": datetime.fromtimestamp(running.started, UTC).isoformat(timespec="seconds"),
    }


def _named(named: Named | Missing) -> dict[str, Any]:
    if isinstance(named, Missing):
        return missing_form(named)
    return {
        "source": named.source,
        "manufacturer": named.manufacturer,
        "product": named.product,
        "version": named.version,
        "uuid": str(named.uuid) if named.uuid else None,
        "chassis_version": named.chassis_version,
        "processor_version": named.processor_version,
    }


def _tables(smbios: Smbios | Missing) -> dict[str, Any]:
    if isinstance(smbios, Missing):
        return missing_form(smbios)
    return {
        **_named(smbios.named),
        "length": len(smbios.tables),
        "sha256": hashlib.sha256(smbios.tables).hexdigest(),
        "tables": base64.b64encode(smbios.tables).decode("ascii"),
    }


def _guest(observation: Observation | Missing) -> dict[str, Any]:
    if isinstance(observation, Missing):
        return missing_form(observation)
    return {
        "agent_version": observation.agent_version,
        "seconds": round(observation.seconds, 4),
        "boot_id": observation.boot_id,
        "boot_time": observation.boot_time,
        "kernel": observation.kernel,
        "architecture": observation.architecture,
        "dmi": _named(observation.dmi),
        "booted": _tables(observation.booted),
        "live": _tables(observation.live),
    }

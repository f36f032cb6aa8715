"""What of a domain's TPM goes into JSON documents."""

from typing import Any

from host_agent.case.case import Case
from host_agent.evidence.hardware import Tpm
from host_agent.evidence.observation import Observation
from host_agent.missing import Missing
from host_agent.output.shared.missing_form import missing_form


def tpm_form(case: Case) -> dict[str, Any] | None:
    """Return its TPM as the XML, the host and the guest have it; None: it has none."""
    declared = case.declared.definition.tpm
    if declared is None:
        return None
    seen, state = case.observation, case.tpm
    return {
        "model": declared.model,
        "back_end": declared.back_end,
        "version": declared.version,
        "state": missing_form(state)
        if isinstance(state, Missing)
        else {
            "place": state.place,
            "there": state.there,
            "swtpm": state.swtpm,
            "replaced": state.replaced,
            "others": list(state.others),
        },
        "guest": _guest(seen.hardware.tpm if isinstance(seen, Observation) else seen),
    }


def _guest(guest: Tpm | Missing) -> dict[str, Any]:
    if isinstance(guest, Missing):
        return missing_form(guest)
    return {
        "pcrs": list(guest.pcrs),
        "log_sha256": guest.log,
        "events": len(guest.events),
        "endorsement_sha256": guest.endorsement,
        "luks_tokens": None
        if guest.tokens is None
        else [
            {
                "device": one.device,
                "type": one.type,
                "pin": one.pin,
                "pcrs": None if one.pcrs is None else list(one.pcrs),
                "bank": one.bank,
                "signed_pcrs": list(one.signed_pcrs),
            }
            for one in guest.tokens
        ],
    }

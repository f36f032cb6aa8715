"""What of a TPM's forecast goes into JSON documents."""

from dataclasses import asdict
from typing import Any

from host_agent.evidence.measured import Outlook
from host_agent.evidence.recovery_keys import RecoveryKeys
from host_agent.missing import Missing


def outlook_form(found: Outlook | Missing | None) -> dict[str, Any] | None:
    """Return what becomes of its registers and of what is bound to them; None: it has none."""
    if found is None:
        return None
    if isinstance(found, Missing):
        return {"unknown": found.sentence, "reason": found.reason, "remedy": found.remedy}
    return {
        "registers": [asdict(one) for one in found.registers],
        "loader": found.loader,
        "unread": list(found.unread),
        "keys": None
        if found.keys is None
        else [
            {
                "device": one.token.device,
                "type": one.token.type,
                "pcrs": None if one.token.pcrs is None else list(one.token.pcrs),
                "opens": one.opens,
            }
            for one in found.keys
        ],
    }


def recovery_form(found: RecoveryKeys | None) -> dict[str, Any] | None:
    """Return which guests ask for their recovery keys; None: it was not asked for."""
    if found is None:
        return None
    return {
        "guests": found.guests,
        "will_ask": list(found.asking),
        "not_known": list(found.unknown),
    }

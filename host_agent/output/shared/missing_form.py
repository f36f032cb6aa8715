"""How evidence that lacks is told in JSON."""

from typing import Any

from host_agent.missing import Missing


def missing_form(missing: Missing) -> dict[str, Any]:
    """Return why it lacks: the reason's word, and the sentence."""
    return {"missing": missing.reason, "sentence": missing.sentence}

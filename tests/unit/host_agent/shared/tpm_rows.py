"""Rows for the check of a domain's TPM."""

from dataclasses import replace
from typing import Any

from host_agent.case.case import Case
from host_agent.checks import tpm
from host_agent.domain.tpm import Tpm
from host_agent.evidence.tpm_state import TpmState
from host_agent.finding import Outcome
from host_agent.missing import Missing
from tests.unit.host_agent.shared.cases import DEFINITION, NOTHING, case, declared

PASS, FAIL, WARN, UNKNOWN, SKIP = (
    Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN, Outcome.SKIP,
)  # fmt: skip
TPM = Tpm(model="tpm-crb", back_end="emulator", version="2.0", state="/s", kept=False)
KEPT = TpmState(place="/s", there=True, swtpm="/usr/bin/swtpm", replaced=False)
GONE = replace(KEPT, there=False)


def with_tpm(found: TpmState | Missing, off: bool = False, **changes: Any) -> Case:
    """A domain with a TPM."""
    definition = replace(DEFINITION, tpm=replace(TPM, **changes))
    whole = declared(None, tpm=definition.tpm) if off else declared(definition)
    return case(declared=whole, tpm=found, baseline=NOTHING)


def transient(**changes: Any) -> Case:
    """A domain whose definition is gone when it ends."""
    found = with_tpm(KEPT, **changes)
    return replace(found, declared=replace(found.declared, persistent=None))


ROWS = [
    (tpm.check, case(), SKIP, "no TPM"),
    (tpm.check, with_tpm(NOTHING), UNKNOWN, "not to be had"),
    (tpm.check, with_tpm(NOTHING, back_end="passthrough", version=None), PASS,
     "(tpm-crb, passthrough) that is not emulated"),
    (tpm.check, with_tpm(KEPT), PASS,
     "(tpm-crb, 2.0, emulator) with a state of its own, emulated by /usr/bin/swtpm; whether"),
    (tpm.check, with_tpm(replace(KEPT, replaced=True)), PASS, "which was replaced since"),
    (tpm.check, with_tpm(replace(KEPT, others=("vm2", "vm3"))), FAIL, "one TPM with vm2, vm3"),
    (tpm.check, with_tpm(GONE), WARN, "is gone: there is none at /s"),
    (tpm.check, with_tpm(GONE, off=True), PASS, "without a state: its first start makes one"),
    (tpm.check, transient(), WARN, "libvirt removes the TPM's state (/s) when it ends"),
    (tpm.check, transient(kept=True), PASS, "a state of its own"),
]  # fmt: skip

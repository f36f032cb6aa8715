"""Rows for the check of a domain's TPM."""

from dataclasses import replace
from typing import Any

from host_agent.case.case import Case
from host_agent.checks import sealed, tpm
from host_agent.domain.tpm import Tpm
from host_agent.evidence.hardware import LuksToken
from host_agent.evidence.hardware import Tpm as Seen
from host_agent.evidence.measured import Bound, Measured, Outlook, Register
from host_agent.evidence.observation import Observation
from host_agent.evidence.tpm_state import TpmState
from host_agent.finding import Outcome
from host_agent.missing import Missing
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DEFINITION,
    NOTHING,
    OBSERVATION,
    RUNNING,
    case,
    declared,
)

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


def telling(now: str | None, before: str | None = None, **more: Any) -> Case:
    """A domain whose guest tells which TPM it has, and told when its baseline was taken."""

    def seen(key: str | None) -> Observation:
        tpm = Seen(pcrs=("00" * 32,) * 8, log=None, events=(), tokens=None, endorsement=key)
        return replace(OBSERVATION, hardware=replace(OBSERVATION.hardware, tpm=tpm))

    kept = replace(BASELINE, observation=seen(before))
    return replace(with_tpm(KEPT), observation=seen(now), baseline=kept, **more)


def transient(**changes: Any) -> Case:
    """A domain whose definition is gone when it ends."""
    found = with_tpm(KEPT, **changes)
    return replace(found, declared=replace(found.declared, persistent=None))


TOKEN = LuksToken(device="vda3", type="systemd-tpm2", pin="", pcrs=(7,), bank="", signed_pcrs=())
SAME = tuple(Register(number=number, changes=False) for number in range(8))
OTHER = (*SAME[:7], Register(number=7, changes=True, why=("variable SecureBoot",)))
LOST = (*SAME[:1], Register(number=1, changes=None), *SAME[2:])


def outlook(registers: tuple[Register, ...], *opens: bool | None, known: bool = True) -> Outlook:
    """What becomes of a guest's TPM, and of as many disks."""
    keys = tuple(Bound(token=TOKEN, opens=one) for one in opens)
    return Outlook(registers=registers, keys=keys if known else None)


CAME = replace(RUNNING, arguments=("qemu", "-incoming", "defer"))
UNCHANGED = outlook(SAME, True)


def rehearsed(start: Outlook | Missing, reset: Outlook | Missing = UNCHANGED) -> Case:
    """A domain whose boots were rehearsed."""
    return replace(with_tpm(KEPT), measured=Measured(reset=reset, start=start))


ROWS = [
    (sealed.check, replace(rehearsed(outlook(SAME)), declared=declared(None)), SKIP, "not running"),
    (sealed.check, case(), SKIP, "no TPM"),
    (sealed.check, with_tpm(KEPT), SKIP, "not asked for"),
    (sealed.check, replace(with_tpm(KEPT), measured=NOTHING), UNKNOWN, "not to be had"),
    (sealed.check, rehearsed(NOTHING, NOTHING), UNKNOWN, "not to be had"),
    (sealed.check, rehearsed(NOTHING), PASS, "vda3 (systemd-tpm2, PCR 7) will open"),
    (sealed.check, rehearsed(outlook(SAME)), PASS, "no register changes; no LUKS2 disk is bound"),
    (sealed.check, rehearsed(outlook(SAME, known=False)), PASS, "what is bound to the TPM is not"),
    (sealed.check, rehearsed(outlook(OTHER, known=False)), UNKNOWN,
     "changes PCR 7 (variable SecureBoot); what is bound to the TPM is not known"),
    (sealed.check, rehearsed(outlook(OTHER)), PASS, "stop and start changes PCR 7 (variable Sec"),
    (sealed.check, rehearsed(outlook(OTHER, True, False)), WARN,
     "after the next stop and start vda3 (systemd-tpm2, PCR 7) will not open by the TPM: PCR 7 "
     "(variable SecureBoot) will be another"),
    (sealed.check, rehearsed(outlook(SAME), outlook(OTHER, False)), WARN, "after a reset vda3"),
    (sealed.check, rehearsed(outlook(LOST, True)), PASS, "it is not known: a rehearsal of"),
    (sealed.check, replace(rehearsed(outlook(LOST, True)), running=CAME), PASS,
     "of PCR 1 it is not known: another QEMU booted the guest"),
    (sealed.check, rehearsed(outlook(LOST, None)), UNKNOWN, "PCR 7) opens is not known"),
    (tpm.check, case(), SKIP, "no TPM"),
    (tpm.check, with_tpm(NOTHING), UNKNOWN, "not to be had"),
    (tpm.check, with_tpm(NOTHING, back_end="passthrough", version=None), PASS,
     "(tpm-crb, passthrough) that is not emulated"),
    (tpm.check, with_tpm(KEPT), PASS,
     "(tpm-crb, 2.0, emulator) with a state of its own, emulated by /usr/bin/swtpm; whether"),
    (tpm.check, with_tpm(replace(KEPT, replaced=True)), PASS, "which was replaced since"),
    (tpm.check, with_tpm(replace(KEPT, others=("vm2", "vm3"))), FAIL, "one TPM with vm2, vm3"),
    (tpm.check, telling("ab", tpm_clones=("vm2",)), FAIL, "TPM is that of vm2, too"),
    (tpm.check, telling("ab", "cd"), FAIL, "another TPM than when its baseline was taken"),
    (tpm.check, telling("ab", "ab"), PASS, "swtpm, with the baseline's endorsement key"),
    (tpm.check, telling("ab"), PASS, "a state of its own, emulated by /usr/bin/swtpm"),
    (tpm.check, telling(None, "ab"), PASS, "the guest does not tell its endorsement key"),
    (tpm.check, with_tpm(GONE), WARN, "is gone: there is none at /s"),
    (tpm.check, with_tpm(GONE, off=True), PASS, "without a state: its first start makes one"),
    (tpm.check, transient(), WARN, "libvirt removes the TPM's state (/s) when it ends"),
    (tpm.check, transient(kept=True), PASS, "a state of its own"),
]  # fmt: skip

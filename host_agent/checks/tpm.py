"""``tpm``: has the domain's TPM a state of its own?"""

from host_agent.case.case import Case
from host_agent.domain.tpm import EMULATOR, Tpm
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome, passed, unknown, warned
from host_agent.missing import Missing

ID = "tpm"


def check(case: Case) -> Finding:
    """Judge where the state of an emulated TPM is, and who else has it.

    libvirt formatdomain.rst, "TPM device": the state is kept below the domain's UUID, or where
    ``<source>`` says; that of a transient domain is removed with it, but for
    ``persistent_state='yes'``. What tells it from a copy, and from one made anew, is its
    endorsement key (TCG TPM 2.0 Library, part 1, 9.4.4). That is in the state, among its secrets,
    which are not read: the guest tells the public part's fingerprint, where it is allowed to.
    """
    tpm = case.declared.definition.tpm
    if tpm is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain has no TPM")
    if tpm.back_end != EMULATOR:
        return passed(
            ID,
            f"the domain has a TPM ({_words(tpm)}) that is not emulated: its state is not "
            "libvirt's",
        )
    found = case.tpm
    if isinstance(found, Missing):
        return unknown(ID, found)
    if found.others:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"the domain has one TPM with {', '.join(found.others)}: their states are "
            f"the same ({found.place})",
            expected="a state of its own",
            observed=f"that of {', '.join(found.others)}, too",
            remedy="stop one of them and give it a TPM of its own, after what it sealed was bound "
            "anew: its <source> or UUID in virsh edit",
        )
    if case.tpm_clones:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"the domain's TPM is that of {', '.join(case.tpm_clones)}, too: their guests "
            "have one endorsement key, so one state is a copy of the other's",
            expected="an endorsement key of its own",
            observed=f"that of {', '.join(case.tpm_clones)}, too",
            remedy="find out which one is the copy, and give it a TPM of its own after what it "
            "sealed was bound anew: remove its state while it is off",
        )
    key, before = _key(case.observation), None
    if isinstance(case.baseline, Baseline):
        before = _key(case.baseline.observation)
    if key and before and key != before:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence="the guest has another TPM than when its baseline was taken: nothing is "
            "sealed to this one, unless since it came",
            expected="the endorsement key of the baseline",
            observed="another one",
            remedy="bring its state back from where it was, or open the disks by their recovery "
            "keys, bind them anew and take a new baseline",
        )
    if not found.there:
        return _without_state(case, tpm, found.place)
    if case.declared.persistent is None and not tpm.kept:
        return warned(
            ID,
            f"the domain is transient: libvirt removes the TPM's state ({found.place}) when it "
            "ends, and what is sealed to it opens no more",
            "a state that is kept",
            "persistent_state is not 'yes'",
            "virsh define it, or <backend persistent_state='yes'>",
        )
    by = f", emulated by {found.swtpm}" if found.swtpm else ""
    old = ", which was replaced since it was started" if found.replaced else ""
    told = "" if before is None or key is None else ", with the baseline's endorsement key"
    if key is None:
        told = (
            "; whether that is a copy of another's is not known, since nothing in it is read and "
            "the guest does not tell its endorsement key"
        )
    return passed(
        ID, f"the domain has a TPM ({_words(tpm)}) with a state of its own{by}{old}{told}"
    )


def _key(seen: Observation | Missing) -> str | None:
    found = seen.hardware.tpm if isinstance(seen, Observation) else None
    return None if found is None or isinstance(found, Missing) else found.endorsement


def _without_state(case: Case, tpm: Tpm, place: str) -> Finding:
    if case.declared.active is None and not isinstance(case.baseline, Baseline):
        return passed(
            ID, f"the domain has a TPM ({_words(tpm)}) without a state: its first start makes one"
        )
    return warned(
        ID,
        f"the TPM's state is gone: there is none at {place}, so the next start makes a new TPM, to "
        "which nothing is sealed",
        "a state",
        "none",
        "bring it back from where the domain was before, or have the recovery keys at hand",
    )


def _words(tpm: Tpm) -> str:
    return ", ".join(filter(None, (tpm.model, tpm.version, tpm.back_end)))

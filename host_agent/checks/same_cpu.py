"""``same-cpu``: does the guest have the processors that it had at the baseline?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from host_agent.case.case import Case, Occasion
from host_agent.checks.shared.baseline import Change, Kind, groups, judged, rules, same_kernel
from host_agent.domain import architectures
from host_agent.domain.definition import HOST_BOUND_CPU
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing, Reason
from host_agent.printable import argument

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import Cpu, CpuidLeaf

ID = "same-cpu"

_REGISTERS = ("EAX", "EBX", "ECX", "EDX")
_MOST_FLAGS = 8


def check(case: Case) -> Finding:
    """Compare number, model, flags and CPUID answers (Intel SDM volume 2A, CPUID).

    What /proc/cpuinfo prints was read at boot, what CPUID answers is of now (guest.proto, ``Cpu``):
    over a live migration only the second can change. Flags are the kernel's words, so those of
    another kernel are no proof. Microcode is the host's, and not compared.

    A CPU that is declared to be the host's (libvirt formatdomain.rst, ``<cpu mode=…>``) may be
    another one after a boot on another host, or under another QEMU; never within one boot. On ppc64
    that holds for the revision of every model: POWER9 is 2.0 for QEMU 7.2 and 2.2 for 10.0
    (``target/ppc/cpu-models.c: ppc_cpu_aliases``).
    """
    both = groups(ID, case, "processors", lambda hardware: hardware.cpu)
    if isinstance(both, Finding):
        return both
    then, now = both
    fixed = Kind.HOSTS if _is_hosts_own(case) else Kind.FIXED
    revision = Kind.HOSTS if _leaves_revision(case) and _elsewhere_since(case) else fixed
    found = [*_numbers(then, now), *_names(then, now, fixed, revision)]
    found += _flags(then, now, fixed if same_kernel(case) else Kind.GUESTS)
    note = ""
    missing = now.cpuid if isinstance(now.cpuid, Missing) else then.cpuid
    if isinstance(missing, Missing):
        # Other architectures than x86 have none, and nothing like it that a program may ask.
        none = missing.reason is Reason.ABSENT
        note = "" if none else f" (live CPUID not compared: {missing.sentence})"
        if rules(case) is Occasion.ARRIVAL and not found:
            # All the rest is what the kernel read before it moved.
            return Finding(
                check=ID,
                outcome=Outcome.UNKNOWN,
                sentence="what the CPU is since the move is not known: its kernel asked at the boot"
                if none
                else f"what CPUID answers since the move is not known: {missing.sentence}",
                remedy=missing.remedy,
            )
    elif not isinstance(now.cpuid, Missing):
        found += _cpuid(missing, now.cpuid, fixed, folded=bool(found))
    name = f" '{now.model}'" if now.model else ""
    number = now.present or now.online
    many = "processor" if number == 1 else "processors"
    definition = case.declared.definition
    advice = None
    if any(change.kind is Kind.HOSTS for change in found):
        name_it = (
            f"name a CPU model in the XML of {definition.name}, so that it has one CPU on all "
            "hosts; else "
        )
        advice = (
            f"{name_it if fixed is Kind.HOSTS else ''}"
            f"samemachine baseline {argument(definition.name, definition.uuid)}"
        )
    return judged(ID, case, found, f"the guest has the same {number} {many}{name}{note}", advice)


def _is_hosts_own(case: Case) -> bool:
    """Tell whether the CPU is whatever the host has, and host or QEMU may be others by now."""
    return case.declared.definition.cpu_mode in HOST_BOUND_CPU and _elsewhere_since(case)


def _leaves_revision(case: Case) -> bool:
    """Tell whether QEMU chooses the revision of the CPU that is declared."""
    return architectures.qemus(case.declared.definition.architecture) == "ppc64"


def _elsewhere_since(case: Case) -> bool:
    """Tell whether host or QEMU may be others than when the kernel read what the CPU is.

    That is of the QEMU that the guest booted under, and of the hosts where it has been since.
    """
    before = case.baseline
    if isinstance(before, Missing):
        return False
    hosts = {before.host, *(event.host for event in before.trail)}
    versions = {case.qemu, before.qemu, before.booted_qemu}
    return hosts != {case.host} or versions != {case.qemu} or case.qemu is None


def _numbers(then: "Cpu", now: "Cpu") -> Iterator[Change]:
    if then.present and now.present and then.present != now.present:
        yield Change(
            sentence=f"processors {then.present} -> {now.present}",
            old=f"{then.present} processors",
            new=f"{now.present} processors",
        )
    elif then.online != now.online:
        # Where the number present is the same, it was the guest that switched some on or off.
        known = then.present is not None and now.present is not None
        yield Change(
            sentence=f"processors online {then.online} -> {now.online}",
            old=f"{then.online} processors online",
            new=f"{now.online} processors online",
            kind=Kind.GUESTS if known else Kind.PLUGGED,
        )


def _names(then: "Cpu", now: "Cpu", fixed: Kind, revision: Kind) -> Iterator[Change]:
    for name, old, new, kind in (
        ("CPU model", then.model, now.model, fixed),
        ("CPU vendor", then.vendor, now.vendor, fixed),
        ("CPU revision", then.revision, now.revision, revision),
    ):
        if old != new:
            yield Change(
                sentence=f"{name} {_quoted(old)} -> {_quoted(new)}",
                kind=kind,
                old=f"{name} {_quoted(old)}",
                new=f"{name} {_quoted(new)}",
            )


def _quoted(text: str | None) -> str:
    return "not given" if text is None else f"'{text}'"


def _flags(then: "Cpu", now: "Cpu", kind: Kind) -> Iterator[Change]:
    why = " (under another kernel)" if kind is Kind.GUESTS else ""
    for word, here, there in (
        ("lost", then.flags, now.flags),
        ("gained", now.flags, then.flags),
    ):
        if flags := sorted(here - there):
            few = " ".join(flags[:_MOST_FLAGS])
            more = f" and {len(flags) - _MOST_FLAGS} more" if flags[_MOST_FLAGS:] else ""
            with_flags, without = f"flags with {few}{more}", f"flags without {few}{more}"
            yield Change(
                sentence=f"flags {word}: {few}{more}{why}",
                kind=kind,
                old=with_flags if word == "lost" else without,
                new=without if word == "lost" else with_flags,
            )


def _cpuid(
    then: "tuple[CpuidLeaf, ...]", now: "tuple[CpuidLeaf, ...]", kind: Kind, *, folded: bool
) -> Iterator[Change]:
    """Yield each register that differs; ``folded``: only which leaves, the rest says enough."""
    before, after = ({(one.leaf, one.subleaf): one for one in side} for side in (then, now))
    differ = sorted(
        key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    )
    if folded and differ:
        leaves = sorted({leaf for leaf, _ in differ})
        few = ", ".join(f"{leaf:#x}" for leaf in leaves[:_MOST_FLAGS])
        more = f" and {len(leaves) - _MOST_FLAGS} more" if leaves[_MOST_FLAGS:] else ""
        yield Change(
            sentence=f"CPUID answers differ in leaves {few}{more}",
            kind=kind,
            old=f"CPUID leaves {few}{more} otherwise",
            new=f"CPUID leaves {few}{more} changed",
        )
        return
    for key in differ:
        name = f"CPUID leaf {key[0]:#x}.{key[1]}"
        if key not in before or key not in after:
            word = "gone" if key in before else "new"
            yield Change(
                sentence=f"{name} is {word}",
                kind=kind,
                old=f"{name} {'there' if key in before else 'absent'}",
                new=f"{name} {'there' if key in after else 'absent'}",
            )
            continue
        for register, old, new in zip(
            _REGISTERS, before[key].registers, after[key].registers, strict=True
        ):
            if old != new:
                yield Change(
                    sentence=f"{name} {register} {old:#010x} -> {new:#010x}",
                    kind=kind,
                    old=f"{name} {register} {old:#010x}",
                    new=f"{name} {register} {new:#010x}",
                )

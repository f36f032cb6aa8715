"""Which SMBIOS strings name the machine type, and whether they name the right one.

Shared by ``machine-type`` and ``machine-type-live``, which look at different tables. QEMU writes
the machine type into the versions of type 1, 3 and 4 (``hw/smbios/smbios.c: smbios_set_defaults``);
libvirt can override those of type 1 and 3, never that of type 4.
"""

from host_agent.case.expectation import Expectation
from host_agent.finding import Finding, Outcome
from host_agent.firmware.smbios import Named
from host_agent.machine_types.names import is_machine_type


def judge(check: str, view: Named, expected: Expectation, verb: str) -> Finding:
    """Judge one view; ``verb`` completes "the guest … pc-q35-7.2", such as "booted as"."""
    wanted = ", ".join(sorted(expected.machine_strings))
    if not expected.machine_strings:
        return Finding(check=check, outcome=Outcome.UNKNOWN, sentence=expected.why)
    strings = [
        ("system version", "version", view.version),
        ("chassis version", "chassis_version", view.chassis_version),
        ("processor version", "processor_version", view.processor_version),
    ]
    own = [(name, text) for name, field, text in strings if field not in expected.overridden]
    named = [(name, text) for name, text in own if text is not None]
    wrong = [
        (name, text)
        for name, text in named
        if text not in expected.machine_strings and (expected.certain or is_machine_type(text))
    ]
    if wrong:
        name, text = wrong[0]
        return Finding(
            check=check,
            outcome=Outcome.FAIL,
            expected=wanted,
            observed=text,
            sentence=f"the guest {verb} {text} ({name}), libvirt declares {wanted}",
            remedy="stop and start the domain to apply what libvirt declares, or declare what runs",
        )
    right = [(name, text) for name, text in named if text in expected.machine_strings]
    if not right:
        return Finding(
            check=check,
            outcome=Outcome.UNKNOWN,
            expected=wanted,
            observed=", ".join(text for _, text in named) or None,
            sentence=f"nothing in the guest's tables names the machine type; {expected.why}",
        )
    name, text = right[0]
    if expected.version is not None and _lies(expected):
        return Finding(
            check=check,
            outcome=Outcome.FAIL,
            expected=wanted,
            observed=view.version,
            sentence=f"the guest is told {expected.version} by <sysinfo>, but {verb} {text} "
            f"({name})",
            remedy="remove the entry 'version' of <sysinfo>, or make it true",
        )
    return Finding(
        check=check,
        outcome=Outcome.PASS,
        expected=wanted,
        observed=text,
        sentence=f"the guest {verb} {text}"
        + ("" if name == "system version" else f" ({name}; <sysinfo> sets the system version)"),
    )


def _lies(expected: Expectation) -> bool:
    """Tell whether ``<sysinfo>`` names another machine type where the guest looks for its own."""
    version = (expected.version or "").strip()
    return is_machine_type(version) and version not in expected.machine_strings

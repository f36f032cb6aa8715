"""The options with which libvirt would start a domain, and whether a QEMU takes them. Pure.

A libvirt and a QEMU of different ages, as with backports, can be a pair that can't start every
domain. Where the binary can be run it is asked itself; from elsewhere only what is known of it can
be told.
"""

import re
from collections.abc import Iterator, Sequence

from host_agent.missing import Missing, Reason

# Options that read nothing and start nothing, which a probe can be given as libvirt writes them.
_HARMLESS = {"boot", "rtc", "watchdog-action"}
_HARMLESS_ALONE = {"no-reboot", "no-shutdown"}
_PICTURE = "splash="
# Words of QEMU's that are of the machine that it was started on, or of how a probe starts it.
_OF_THE_PROBE = re.compile(
    r"allocate memory|permission denied|kvm|could not (load|open)|failed to (find|open)|memfd|"
    r"resource|no space|too many open files",
    re.IGNORECASE,
)
# Options that a QEMU takes no more → the oldest version that was seen to refuse it, and what to do.
# libvirt 9.0.0 over QEMU 7.2.22 and 10.0.2 (QEMU docs/about/removed-features.rst); 11.3.0 writes
# acpi=off instead.
_GIVEN_UP = {
    "no-acpi": (
        (10, 0, 2),
        "update libvirt there, or let the domain have ACPI: <features><acpi/></features>",
    ),
}


def harmless(given: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield of (option, value) what a probe can be given beside what decides the tables."""
    for option, value in given:
        if option in _HARMLESS and _PICTURE not in value:
            yield from (f"-{option}", value)
        elif option in _HARMLESS_ALONE:
            yield f"-{option}"


def refusal(error: Missing, said: str | None) -> Missing:
    """Return why a start will fail, where QEMU refused the options and not the way it was asked."""
    if said is None or _OF_THE_PROBE.search(said):
        return error
    option = next((one for one in _GIVEN_UP if said.startswith(f"-{one}: ")), None)
    return Missing(
        reason=Reason.NO_START,
        sentence=f"QEMU refuses libvirt's options: {said}",
        remedy=None if option is None else _GIVEN_UP[option][1],
    )


def given_up(arguments: Sequence[str], qemu: tuple[int, ...], libvirt: str) -> Missing | None:
    """Say which of the options a QEMU of this version is known to refuse; None: none is known."""
    for name, (since, remedy) in _GIVEN_UP.items():
        if f"-{name}" in arguments and qemu >= since:
            version = ".".join(map(str, qemu))
            return Missing(
                reason=Reason.NO_START,
                remedy=remedy,
                sentence=f"libvirt {libvirt} passes -{name}, which QEMU {version} does not take",
            )
    return None

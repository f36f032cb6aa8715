"""The machine types that a QEMU binary offers, as it lists them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from host_agent.atlas import compat_props
from host_agent.atlas.compat_props import CompatPropsError, Properties
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.printable import printable
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.session import NO_QMP, SECONDS, QemuSession, Stop

_MAX_MACHINES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMachine:
    """A machine type as QEMU lists it."""

    name: str
    alias: str | None
    default: bool
    deprecated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineList:
    """What a QEMU binary says of itself."""

    version: str
    package: str | None
    """As the distribution had it built in."""
    architecture: str
    machines: tuple[ListedMachine, ...]
    devices: frozenset[str]
    """Names of PCI device models."""


def ask(binary: QemuBinary, seconds: float = SECONDS) -> MachineList:
    """Ask a binary what it is and offers; raises ``EvidenceError``."""
    nothing = ("-machine", "none")
    with QemuSession(binary, nothing, seconds=seconds) as session:
        version = session.qmp("query-version")
        target = session.qmp("query-target")
        machines = session.qmp("query-machines")
        devices = session.qmp("qom-list-types", implements="pci-device")
    try:
        if len(machines) > _MAX_MACHINES:
            raise EvidenceError(
                Reason.FAILED,
                f"{binary.path} offers {len(machines)} machine types: that is no QEMU",
            )
        package = re.sub(r"^v?\((.*)\)$|^Debian ", r"\1", str(version["package"])).strip()
        return MachineList(
            version=version_of(version),
            package=printable(package) or None,
            architecture=printable(str(target["arch"])),
            machines=tuple(_offered(machine) for machine in machines),
            devices=frozenset(str(device["name"]) for device in devices),
        )
    except NO_QMP as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


def properties(
    binary: QemuBinary, seconds: float = SECONDS, stop: Stop | None = None
) -> Mapping[str, Properties]:
    """Ask what each machine type sets of devices, so that they stay as they were.

    Raises ``EvidenceError``, also where QEMU is older than 9.1 and does not tell it.
    """
    with QemuSession(binary, ("-machine", "none"), seconds=seconds, stop=stop) as session:
        machines = session.qmp("query-machines", **{"compat-props": True})
    try:
        return {
            printable(str(machine["name"])): compat_props.of_qmp(machine.get("compat-props", []))
            for machine in machines[:_MAX_MACHINES]
        }
    except (*NO_QMP, CompatPropsError) as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


def version_of(answer: Any) -> str:
    """Return the version in an answer to ``query-version``; raises one of ``NO_QMP``."""
    return ".".join(str(int(answer["qemu"][part])) for part in ("major", "minor", "micro"))


def _offered(machine: dict[str, Any]) -> ListedMachine:
    alias = machine.get("alias")
    return ListedMachine(
        name=printable(str(machine["name"])),
        alias=printable(str(alias)) if alias else None,
        default=machine.get("is-default") is True,
        deprecated=machine.get("deprecated") is True,
    )

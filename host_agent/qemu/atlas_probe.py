"""The job ``probe``: every machine type of a QEMU binary, as an atlas."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from host_agent import __version__, inside_root
from host_agent.atlas.atlas import Atlas, Machine, Made
from host_agent.atlas.compat_props import Properties
from host_agent.atlas.vmstate import VmState
from host_agent.errors import EvidenceError, UsageError
from host_agent.guard import said
from host_agent.machine_types import packages
from host_agent.machine_types.names import is_versioned_family
from host_agent.missing import Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import default_processor, machine_list, probe, session, vmstate_dump
from host_agent.qemu import options as qemu_options
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.machine_list import ListedMachine, MachineList
from host_agent.qemu.session import Stop

_T = TypeVar("_T")
Progress = Callable[[int, int], None]
"""Told how many machine types of how many are done."""

BINARIES = "/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/bin/qemu-system-aarch64"
_NONE = "none"
_UNVERSIONED = "virt"
"""The board of riscv64 and loongarch64, of one name in all versions of QEMU (loongarch64 to 10.0);
where it has versions this is an alias."""
_PC = {"x86_64", "i386"}
_MEBIBYTES = 512
_MORE_MEBIBYTES = {"loongarch64": 2048}
"""QEMU 7.2 refuses its machine with 1 GiB and less."""


def default_binary(root: Path | None) -> str:
    """Return this host's QEMU; raises ``UsageError`` where none is at its usual place."""
    for path in BINARIES:
        if os.access(_there(root, path), os.X_OK):
            return path
    raise UsageError(
        f"no QEMU at {', '.join(BINARIES)}{f' in {root}' if root else ''}; say which with --qemu"
    )


def _there(root: Path | None, path: str) -> Path:
    try:
        return inside_root.resolved(root or Path("/"), path)
    except OSError as error:
        raise UsageError(f"{path} in {root}: {error.strerror}") from error


def at_once() -> int:
    """Return how many probes run at the same time: as many as there are cores for us."""
    return len(os.sched_getaffinity(0))


def survey(
    path: str,
    types: Sequence[str] = (),
    progress: Progress = lambda *_: None,
    root: Path | None = None,
    seconds: float = session.SECONDS,
) -> Atlas:
    """Return the atlas of a binary, or of some of its machine types.

    What is wrong with one machine type is that type's own error. ``root`` is the root folder of
    another system whose binary it is, ``seconds`` what one machine type may take. Raises
    ``EvidenceError`` where the binary can't be asked at all, ``UsageError`` where it has no type
    of a name that was asked for.
    """
    binary = qemu_binary.installed(path, root)
    offer = machine_list.ask(binary, seconds)
    wanted = chosen(offer, types, path)
    alone = offer.architecture in default_processor.DEFAULTS
    devices = () if alone else qemu_options.devices_for_roms(offer.devices)
    machines: dict[str, Machine] = {}
    with Stop() as stop:
        asking = _Asking(binary=binary, offer=offer, devices=devices, seconds=seconds, stop=stop)
        pool = ThreadPoolExecutor(max_workers=at_once())
        try:
            package = pool.submit(packages.package_of, path, root)
            states = pool.submit(_told, vmstate_dump.dump, asking)
            properties = pool.submit(_told, machine_list.properties, asking)
            futures = [pool.submit(_machine, asking, one) for one in wanted]
            progress(0, len(futures))
            for done, future in enumerate(as_completed(futures), 1):
                machine = future.result()
                machines[machine.name] = machine
                progress(done, len(futures))
            sent, held = states.result(), properties.result()
        finally:
            # After Ctrl-C nothing new is started, and what runs is ended.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return Atlas(
        made=Made(
            qemu=offer.version,
            package=package.result() or offer.package,
            architecture=offer.architecture,
            distribution=packages.distribution_name(root or Path("/")),
            host=os.uname().nodename,
            binary=path,
            time=datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds"),
            samemachine=__version__,
            conditions=_conditions(offer, devices),
        ),
        machines=tuple(_with(machines[one.name], sent, held) for one in wanted),
        states=None if isinstance(sent, str) else sent,
        states_error=sent if isinstance(sent, str) else None,
    )


def _told(ask: Callable[[QemuBinary, float, Stop], _T], asking: "_Asking") -> _T | str:
    """Ask for a part of an atlas without which the others are of use, or say why it is not told."""
    try:
        return ask(asking.binary, asking.seconds, asking.stop)
    except EvidenceError as error:
        return str(error)


def _with(
    machine: Machine, states: VmState | str, properties: Mapping[str, Properties] | str
) -> Machine:
    """Keep of what a machine is made of what has a state to send, and what is set of it."""
    devices = machine.devices
    return replace(
        machine,
        devices=None
        if devices is None or isinstance(states, str)
        else devices & states.devices.keys(),
        properties=None if isinstance(properties, str) else properties.get(machine.name),
    )


def _conditions(offer: MachineList, devices: Sequence[str]) -> str:
    cpu = "cortex-a57" if offer.architecture == "aarch64" else "default CPU"
    more = f", with {', '.join(devices)}" if devices else ""
    return f"each type bare: 1 vCPU, {_memory(offer)} MiB, {cpu}, TCG{more}"


def _memory(offer: MachineList) -> int:
    return _MORE_MEBIBYTES.get(offer.architecture, _MEBIBYTES)


def chosen(offer: MachineList, types: Sequence[str], path: str) -> list[ListedMachine]:
    """Return the machine types of a QEMU that an atlas of it has, or those that are asked for.

    Raises ``UsageError`` where it has none of a name.
    """
    if not types:
        return [
            machine
            for machine in offer.machines
            if machine.name != _NONE
            # Other architectures have boards by the dozen, which no version of QEMU keeps as is.
            and (
                offer.architecture in _PC
                or is_versioned_family(machine.name)
                or machine.name == _UNVERSIONED
            )
        ]
    named: list[ListedMachine] = []
    for name in types:
        found = [machine for machine in offer.machines if name in {machine.name, machine.alias}]
        if not found:
            raise UsageError(
                f"{path} has no machine type {name!r}; {path} -machine help lists them"
            )
        named += [machine for machine in found if machine not in named]
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """What all machine types of a survey share."""

    binary: QemuBinary
    offer: MachineList
    devices: Sequence[str]
    seconds: float
    stop: Stop


def _machine(asking: _Asking, machine: ListedMachine) -> Machine:
    if asking.offer.architecture in default_processor.DEFAULTS:
        return _of_its_processor(asking, machine)
    fingerprint, error, devices = None, None, None
    # A machine without PCI has no place for the devices.
    for tried in (asking.devices, ()) if asking.devices else ((),):
        options = qemu_options.bare(
            machine.name, asking.offer.architecture, tried, _memory(asking.offer)
        )
        try:
            probed = probe.probe(asking.binary, options, asking.seconds, asking.stop, models=True)
            fingerprint, error, devices = probed.fingerprint, None, probed.models
            break
        except EvidenceError as refused:
            error = str(refused)
            if refused.missing.reason is Reason.HUNG:
                break
        except Exception as unforeseen:  # noqa: BLE001 - it costs no other type its probe
            error = said(unforeseen)
    return Machine(
        name=machine.name,
        alias=machine.alias,
        default=machine.default,
        deprecated=machine.deprecated,
        fingerprint=fingerprint,
        error=error,
        devices=devices,
    )


def _of_its_processor(asking: _Asking, machine: ListedMachine) -> Machine:
    """Return a machine type that shows its guest neither fw_cfg nor a device tree."""
    options = qemu_options.bare(machine.name, asking.offer.architecture, ())
    found, devices, error = None, None, "it shows its guest no tables"
    try:
        found, devices = default_processor.ask(asking.binary, options, asking.seconds, asking.stop)
    except EvidenceError as refused:
        error = str(refused)
    except Exception as unforeseen:  # noqa: BLE001 - it costs no other type its probe
        error = said(unforeseen)
    return Machine(
        name=machine.name,
        alias=machine.alias,
        default=machine.default,
        deprecated=machine.deprecated,
        error=error,
        devices=devices,
        processor=found,
    )

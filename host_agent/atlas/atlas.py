"""An atlas: the fingerprints of every machine type of one QEMU, as a form for files. Pure.

::

    {"samemachine_atlas": 1, "made": {...},
     "machines": [{"name", ..., "fingerprint" | "error", "devices", "properties",
                   "processor"}],
     "blobs": {sha256: base64}, "states": {...}, "properties": [...]}

``1`` is the schema's version: readers refuse a newer one, and ignore keys that they don't know.
What ``vmstate_form`` and ``compat_props`` have the forms of is absent from older atlases, and where
QEMU does not tell it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from host_agent.atlas import compat_props, processor, vmstate, vmstate_form
from host_agent.atlas.compat_props import CompatPropsError, Properties
from host_agent.atlas.processor import Processor
from host_agent.atlas.vmstate import MOST_DEVICES, VmState, VmStateError
from host_agent.firmware import fingerprint as fingerprints
from host_agent.firmware.fingerprint import Blobs, Fingerprint, FingerprintError
from host_agent.firmware.fw_cfg import FwCfgError
from host_agent.printable import printable
from host_agent.untrusted_text import TextError, json_of

SCHEMA = 1
_KEY = "samemachine_atlas"
_MAX_MACHINES = 4096


class AtlasError(ValueError):
    """The text is no atlas that can be read; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Of what, where, when and with what an atlas was made."""

    qemu: str
    """Version, such as ``7.2.22``."""
    package: str | None
    """The distribution's package and version; None: not known."""
    architecture: str
    """QEMU's word for the guest's: ``x86_64``, ``aarch64`` …"""
    distribution: str | None
    host: str
    binary: str
    time: str
    """ISO 8601, UTC."""
    samemachine: str
    conditions: str
    """What every type was probed with, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine type."""

    name: str
    alias: str | None = None
    default: bool = False
    deprecated: bool = False
    fingerprint: Fingerprint | None = None
    error: str | None = None
    """Why there is no fingerprint."""
    devices: frozenset[str] | None = None
    """The device models of the machine itself that have a state to send; None: not known."""
    properties: Properties | None = None
    """What it sets of devices, so that they stay as they were; None: not known."""
    processor: Processor | None = None
    """Its default processor, where there is nothing else that its guest is shown; None: there is,
    or it is not known."""

    @property
    def shown(self) -> bool:
        """Whether it is known what it shows a guest."""
        return self.fingerprint is not None or self.processor is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas:
    """All of it."""

    made: Made
    machines: tuple[Machine, ...]
    states: VmState | None = None
    """What is sent of devices in a migration; None: not known."""
    states_error: str | None = None
    """Why that is not known; None: nobody asked, as an older samemachine."""

    def machine(self, name: str) -> Machine | None:
        """Return the machine type of a name or an alias."""
        return next((one for one in self.machines if name in {one.name, one.alias}), None)

    @property
    def title(self) -> str:
        """Return for example ``QEMU 7.2.22 (qemu-system-x86 1:7.2+dfsg-7), x86_64``."""
        package = f" ({self.made.package})" if self.made.package else ""
        return f"QEMU {self.made.qemu}{package}, {self.made.architecture}"


_MADE = (
    "qemu", "package", "architecture", "distribution", "host", "binary", "time", "samemachine",
    "conditions",
)  # fmt: skip
_OPTIONAL = {"package", "distribution"}


def to_text(atlas: Atlas) -> str:
    """Return the JSON, the same for the same atlas."""
    blobs: Blobs = {}
    table = compat_props.Table()
    machines = [_machine_form(machine, blobs, table) for machine in atlas.machines]
    form = {
        "$schema": f"urn:samemachine:schema:atlas:{SCHEMA}",
        _KEY: SCHEMA,
        "made": {name: getattr(atlas.made, name) for name in _MADE},
        "machines": machines,
        "blobs": dict(sorted(blobs.items())),
    }
    if atlas.states is not None:
        form["states"] = vmstate_form.to_form(atlas.states)
    elif atlas.states_error is not None:
        form["states_error"] = atlas.states_error
    if table.rows():
        form["properties"] = table.rows()
    return json.dumps(form, indent=1) + "\n"


def _machine_form(machine: Machine, blobs: Blobs, table: compat_props.Table) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": machine.name,
        "alias": machine.alias,
        "default": machine.default,
        "deprecated": machine.deprecated,
    }
    if machine.devices is not None:
        form["devices"] = sorted(machine.devices)
    if machine.properties is not None:
        form["properties"] = table.form(machine.properties)
    if machine.processor is not None:
        form["processor"] = processor.to_form(machine.processor)
    if machine.fingerprint is not None:
        return form | {"fingerprint": fingerprints.to_form(machine.fingerprint, blobs)}
    return form | {"error": machine.error}


def from_text(text: str, *, states: bool = True) -> Atlas:
    """Read the JSON; raises ``AtlasError``.

    ``states``: whether what is sent of devices is read as well; who needs it not saves a quarter.
    """
    try:
        form = json_of(text)
    except TextError as error:
        raise AtlasError(f"it is no whole JSON: {printable(str(error))}") from error
    if not isinstance(form, dict) or _KEY not in form:
        raise AtlasError("it is JSON, but no atlas (make one with samemachine probe --output)")
    version = form[_KEY]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise AtlasError("its schema has no version")
    if version > SCHEMA:
        raise AtlasError(
            f"it has schema {version}, this samemachine reads up to {SCHEMA}; update samemachine"
        )
    try:
        blobs = fingerprints.decode_blobs(form["blobs"])
        machines = form["machines"]
        if not isinstance(machines, list):
            raise TypeError("its machines are no list")
        if len(machines) > _MAX_MACHINES:
            raise AtlasError(f"it has {len(machines)} machine types, more than {_MAX_MACHINES}")
        rows = compat_props.rows_of(form.get("properties", []))
        sent, why = form.get("states") if states else None, form.get("states_error")
        return Atlas(
            made=_made(form["made"]),
            machines=tuple(_machine(machine, blobs, rows) for machine in machines),
            states=None if sent is None else vmstate_form.from_form(sent),
            states_error=None if why is None else vmstate.text_of(why),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise AtlasError(f"something is missing in it: {printable(str(error))}") from error
    except (FingerprintError, FwCfgError, VmStateError, CompatPropsError) as error:
        raise AtlasError(str(error)) from error


def _made(form: Mapping[str, Any]) -> Made:
    values = {name: form[name] for name in _MADE}
    for name, value in values.items():
        if not isinstance(value, str) and not (value is None and name in _OPTIONAL):
            raise TypeError(f"made.{name} is no text")
    return Made(**{name: value and printable(value) for name, value in values.items()})


def _machine(form: Mapping[str, Any], blobs: Mapping[str, bytes], rows: Properties) -> Machine:
    name, alias = form["name"], form["alias"]
    if not isinstance(name, str) or not isinstance(alias, str | None):
        raise TypeError("a machine type's name is no text")
    default, deprecated = form["default"], form["deprecated"]
    if not isinstance(default, bool) or not isinstance(deprecated, bool):
        raise TypeError("default and deprecated are true or false")
    fingerprint, error = form.get("fingerprint"), form.get("error")
    if fingerprint is None and not isinstance(error, str):
        raise TypeError("a machine type has neither a fingerprint nor an error")
    properties, default_cpu = form.get("properties"), form.get("processor")
    return Machine(
        name=printable(name),
        alias=alias and printable(alias),
        default=default,
        deprecated=deprecated,
        fingerprint=None if fingerprint is None else fingerprints.from_form(fingerprint, blobs),
        error=printable(str(error)) if fingerprint is None else None,
        devices=_devices(form.get("devices")),
        properties=None if properties is None else compat_props.of_form(properties, rows),
        processor=None if default_cpu is None else processor.from_form(default_cpu),
    )


def _devices(form: Any) -> frozenset[str] | None:
    if form is None:
        return None
    if not isinstance(form, list) or len(form) > MOST_DEVICES:
        raise TypeError("a machine type's devices are no list, or too many")
    return frozenset(map(vmstate.text_of, form))

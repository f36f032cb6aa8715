"""What is fuzzed: a parser of what strangers give, the errors that it may raise, and seeds.

Anything else that is raised is a finding, and so is a second of one input. Seeds are made from
tests/data and from the shipped atlases, never from an input that broke something.
"""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from google.protobuf.json_format import Parse

from guest_agent import config as guest_config
from guest_agent.errors import ConfigError
from guest_agent.errors import EvidenceError as GuestEvidenceError
from guest_agent.evidence import dmi
from host_agent.atlas import atlas, vmstate
from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import AtlasError
from host_agent.atlas.vmstate import VmState, VmStateError
from host_agent.commands.shared import config
from host_agent.domain import definition
from host_agent.domain.definition import DomainXmlError
from host_agent.errors import UsageError
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence import decode, report_bounds
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.baseline_element import BaselineError
from host_agent.evidence.decode import DecodeError
from host_agent.firmware import (
    acpi,
    aml_objects,
    device_tree,
    efi_tables,
    fw_cfg,
    left_tables,
    smbios,
    smbios_fields,
)
from host_agent.firmware.fingerprint import ANCHOR, LOADER, SMBIOS, Fingerprint
from host_agent.guest import opened_channels
from host_agent.machine_types import offers
from host_agent.qemu import kept_rehearsal
from host_agent.qemu import options as qemu_options
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.verify import waivers
from samemachine.session import Frame, FrameParser, FrameType, GuestSession, HostSession
from samemachine.v1 import guest_pb2
from tests.checkout import CHECKOUT
from tests.vmstate_builder import as_dumped, description, dump, field

DATA = CHECKOUT / "tests/data"
UUID_OF_ALL = UUID("00112233-4455-6677-8899-aabbccddeeff")
NONCE = b"n" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser."""

    run: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    """What it says of what it can't read."""
    seeds: Callable[[], Iterator[bytes]]


def text(raw: bytes) -> str:
    """As much text as the bytes are."""
    return raw.decode("utf-8", "replace")


def report(raw: bytes) -> None:
    """As the host takes an answer."""
    decode.decode(report_bounds.parse(raw), NONCE, 0.1, 1e9)


def session(raw: bytes) -> None:
    """A stream in pieces, to both ends; the first byte says how large they are."""
    size = (raw[0] if raw else 0) + 1
    parser, host, guest = FrameParser(), HostSession(7, 0.0), GuestSession()
    for at in range(1, len(raw), size):
        part = raw[at : at + size]
        parser.feed(part, float(at))
        for end in (host, guest):
            end.receive(part, float(at))
            end.tick(float(at))
            end.take()


def tables(raw: bytes) -> None:
    """SMBIOS: the entry point's length, the entry point, the tables."""
    length = raw[0] % 64 if raw else 0
    smbios.parse(raw[1 : 1 + length], raw[1 + length :], "fuzzed")
    smbios.find_entry_point(raw)
    for structure in smbios.structures(raw[1 + length :]):
        smbios_fields.values(structure)


def blob(raw: bytes) -> None:
    """ACPI tables and the loader's script, which name each other."""
    length = int.from_bytes(raw[:2], "little")
    found, script = acpi.split(raw[2 + length :]), acpi.loader(raw[2 : 2 + length])
    acpi.without_pointers(found, script)
    acpi.end(raw)
    acpi.loader_end(raw)
    acpi.root_pointer(raw[:64])


def lists(raw: bytes) -> None:
    """Every question that is asked of capabilities."""
    xml = text(raw)
    for ask in (
        offers.aliases,
        offers.lists,
        offers.twins,
        offers.architecture,
        offers.lists,
        offers.host_uuid,
    ):
        ask(xml)


def kept(raw: bytes) -> None:
    """A baseline, and what is done with it."""
    found = baselines.from_element(text(raw), UUID_OF_ALL)
    if found.options is not None:
        machine = qemu_options.from_text(found.options)
        if found.devices is not None:
            own = RehearsalOptions(machine=machine, devices=())
            kept_rehearsal.from_text(found.devices, machine, own)


def settings(raw: bytes) -> None:
    """All that people write in TOML."""
    for parse in (config.parse, waivers.parse):
        try:
            parse(text(raw), "fuzzed")
        except UsageError:
            continue


def fingerprints() -> Iterator[Fingerprint]:
    """Of three machine types of each shipped atlas."""
    for name in atlas_files.shipped():
        machines = atlas_files.read_shipped(name).machines
        for machine in machines[:: max(1, len(machines) // 3)]:
            if machine.fingerprint is not None:
                yield machine.fingerprint


def _reports() -> Iterator[bytes]:
    for file in sorted(DATA.glob("guests/*.report.json")):
        made = Parse(file.read_text(encoding="utf-8"), guest_pb2.Report())
        made.nonce = NONCE
        yield made.SerializeToString()


def _frames() -> Iterator[bytes]:
    whole = b"".join(
        Frame(kind, 7, number, bytes(number)).encode() for number, kind in enumerate(FrameType)
    )
    yield b"\xff" + whole
    yield b"\x03" + whole


def _smbios() -> Iterator[bytes]:
    for one in fingerprints():
        if one.files.get(SMBIOS):
            anchor = one.files.get(ANCHOR, b"")[:63]
            yield bytes([len(anchor)]) + anchor + one.files[SMBIOS]


def _acpi() -> Iterator[bytes]:
    for one in fingerprints():
        if one.acpi is not None:
            script = one.files.get(LOADER, b"").rstrip(b"\0")
            yield len(script).to_bytes(2, "little") + script + one.acpi.build()[:65536]


def memory(raw: bytes) -> None:
    """What a firmware left in a guest's memory, which is all that there is."""

    def read(address: int, length: int) -> bytes:
        return raw[address : address + length]

    place = efi_tables.system_table(raw)
    if place is not None:
        efi_tables.configuration(place, read)
    pointer = left_tables.root_pointer(raw)
    if pointer is not None:
        left_tables.tables(pointer, read)


def _proved(raw: bytes, at: int, until: int | None = None) -> bytes:
    """The same with a checksum at this place that makes the bytes up to there sum up to nothing."""
    rest = sum(raw[:at]) + sum(raw[at + 1 : until])
    return raw[:at] + bytes([-rest % 256]) + raw[at + 1 :]


def _memories() -> Iterator[bytes]:
    for one in fingerprints():
        if one.acpi is None:
            continue
        # The FADT names tables by places in QEMU's file, not in this memory.
        kept = (table.raw for table in one.acpi.tables if not table.raw.startswith(b"FACP"))
        found = list(kept)[:6]
        places = [64 + 36 + 4 * len(found)]
        for raw in found:
            places.append(places[-1] + len(raw))
        named = b"".join(place.to_bytes(4, "little") for place in places[:-1])
        size = (36 + len(named)).to_bytes(4, "little")
        root = _proved(b"RSDT" + size + bytes([1, 0]) + bytes(26) + named, 9)
        pointer = _proved(b"RSD PTR \0BOCHS \0" + (64).to_bytes(4, "little"), 8)
        yield pointer.ljust(64, b"\0") + root + b"".join(_proved(raw, 9) for raw in found)


def _aml() -> Iterator[bytes]:
    for one in fingerprints():
        for table in one.acpi.tables if one.acpi else ():
            if table.raw.startswith((b"DSDT", b"SSDT")):
                yield table.raw[acpi.HEADER :]


def _trees() -> Iterator[bytes]:
    return (one.device_tree for one in fingerprints() if one.device_tree is not None)


def _directories() -> Iterator[bytes]:
    for one in fingerprints():
        if one.directory:
            raw = len(one.directory).to_bytes(4, "big")
            for file in one.directory:
                raw += file.size.to_bytes(4, "big") + file.key.to_bytes(2, "big") + bytes(2)
                raw += file.name.encode()[:55].ljust(56, b"\0")
            yield raw


def _domains() -> Iterator[bytes]:
    return (file.read_bytes() for file in sorted(DATA.glob("domains/*.xml")))


def _capabilities() -> Iterator[bytes]:
    yield b"""<capabilities><host><uuid>00112233-4455-6677-8899-aabbccddeeff</uuid>
<cpu><arch>x86_64</arch></cpu></host><guest><os_type>hvm</os_type><arch name='x86_64'>
<emulator>/usr/bin/qemu-system-x86_64</emulator>
<machine maxCpus='255'>pc-i440fx-7.2</machine><machine canonical='pc-i440fx-7.2'>pc</machine>
<machine maxCpus='288' deprecated='yes'>pc-q35-2.6</machine><domain type='qemu'/>
<domain type='kvm'><machine>pc</machine></domain></arch></guest></capabilities>"""


def _baselines() -> Iterator[bytes]:
    command = shlex.split("qemu -machine pc-q35-7.2 -m 512 -smp 1 -smbios type=1,serial=1")
    options = qemu_options.to_text(qemu_options.from_command_line(command, "x86_64"))
    for raw in _reports():
        observation = decode.decode(report_bounds.parse(raw), NONCE, 0.1, 1e9)
        made = Baseline(
            uuid=UUID_OF_ALL,
            taken=1e9,
            host="node1",
            qemu="7.2.22",
            booted_qemu=None,
            product="Standard PC",
            observation=observation,
            machine="pc-q35-7.2",
            options=options,
        )
        yield baselines.to_element(made).encode()


def _atlases() -> Iterator[bytes]:
    for name in atlas_files.shipped():
        form = json.loads(atlas.to_text(atlas_files.read_shipped(name)))
        form["machines"] = form["machines"][:1]
        named = json.dumps(form["machines"])
        form["blobs"] = {key: blob for key, blob in form["blobs"].items() if key in named}
        yield json.dumps(form).encode()


def _states() -> Iterator[bytes]:
    """Of some devices of each shipped atlas, and one of all that there can be."""
    inner = description("part", field("x", 2, number=8))
    outer = description(
        "a",
        field("y", version=1, guarded=True),
        field("z", parts=inner),
        version=2,
        subsections=(inner,),
    )
    yield dump(a=outer).encode()
    for name in atlas_files.shipped():
        states = atlas_files.read_shipped(name).states
        if states is not None:
            few = dict(list(states.devices.items())[::20])
            yield as_dumped(VmState(devices=few)).encode()


def _settings() -> Iterator[bytes]:
    yield (CHECKOUT / "packaging/config/host.toml").read_bytes()
    yield b"timeout = 5\n[serve]\njobs = 2\n"
    yield b'[[waive]]\ncheck = "deprecated"\nreason = "x"\nuntil = 2027-03-31\ndomain = "a"\n'


def _guest_settings() -> Iterator[bytes]:
    yield (CHECKOUT / "packaging/config/guest.conf").read_bytes()
    yield b"[guest]\nport = a\nrefresh-fw-cfg = yes\ngroups-off = dmi, block\nidle-seconds = 5\n"


def _dmidecode() -> Iterator[bytes]:
    for file in sorted(DATA.glob("guests/*.json")):
        form = json.loads(file.read_text(encoding="utf-8"))
        yield from (one.encode() for one in _texts(form) if "DMI type" in one)
    yield b"""# dmidecode 3.4
Getting SMBIOS data from sysfs.
SMBIOS 2.8 present.

Handle 0x0100, DMI type 1, 27 bytes
System Information
\tManufacturer: QEMU
\tProduct Name: Standard PC (i440FX + PIIX, 1996)
\tVersion: pc-i440fx-7.2
\tUUID: 00112233-4455-6677-8899-aabbccddeeff

Handle 0x0300, DMI type 3, 22 bytes
Chassis Information
\tManufacturer: QEMU
\tContained Elements: 1
\t\tProcessor (1-1)

"""


def _texts(form: object) -> Iterator[str]:
    if isinstance(form, str):
        yield form
    elif isinstance(form, dict):
        for one in form.values():
            yield from _texts(one)


def _channels() -> Iterator[bytes]:
    yield b'{"qemu+ssh://a/system 00112233-4455-6677-8899-aabbccddeeff 3": [1, 999999990.5]}'


def _options() -> Iterator[bytes]:
    command = shlex.split("q -machine pc -m 1G -numa node,mem=1G -smp 2,sockets=2 -cpu host")
    made = qemu_options.from_command_line(command, "x86_64")
    yield qemu_options.to_text(made).encode()


TARGETS = {
    "report": Target(
        run=report, errors=(DecodeError, report_bounds.BoundsError), seeds=_reports
    ),
    "session": Target(run=session, errors=(), seeds=_frames),
    "smbios": Target(run=tables, errors=(smbios.SmbiosError,), seeds=_smbios),
    "acpi": Target(run=blob, errors=(acpi.AcpiError,), seeds=_acpi),
    "memory": Target(run=memory, errors=(acpi.AcpiError,), seeds=_memories),
    "aml": Target(run=aml_objects.objects, errors=(aml_objects.AmlError,), seeds=_aml),
    "device-tree": Target(
        run=device_tree.parse, errors=(device_tree.DeviceTreeError,), seeds=_trees
    ),
    "fw-cfg": Target(run=fw_cfg.directory, errors=(fw_cfg.FwCfgError,), seeds=_directories),
    "domain": Target(
        run=lambda raw: definition.parse(text(raw)), errors=(DomainXmlError,), seeds=_domains
    ),
    "capabilities": Target(run=lists, errors=(), seeds=_capabilities),
    "baseline": Target(
        run=kept, errors=(BaselineError, OptionsError), seeds=_baselines
    ),
    "options": Target(
        run=lambda raw: qemu_options.from_text(text(raw)), errors=(OptionsError,),
        seeds=_options,
    ),
    "atlas": Target(
        run=lambda raw: atlas.from_text(text(raw)), errors=(AtlasError,), seeds=_atlases
    ),
    "vmstate": Target(
        run=lambda raw: vmstate.parse(text(raw)), errors=(VmStateError,), seeds=_states
    ),
    "settings": Target(run=settings, errors=(), seeds=_settings),
    "guest-settings": Target(
        run=lambda raw: guest_config.parse(text(raw)), errors=(ConfigError,),
        seeds=_guest_settings,
    ),
    "dmidecode": Target(
        run=lambda raw: dmi.parse(text(raw)), errors=(GuestEvidenceError,), seeds=_dmidecode
    ),
    "channels": Target(
        run=lambda raw: opened_channels.parse(raw, 1e9), errors=(), seeds=_channels
    ),
}  # fmt: skip


def write_seeds(target: Target, folder: Path) -> None:
    """Write the seeds of a target, which are then the beginning of its corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(target.seeds()):
        (folder / f"seed-{number}").write_bytes(raw)

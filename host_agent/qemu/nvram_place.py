"""Which file a QEMU keeps its firmware's variables in, by its command line. Pure.

libvirt gives a flash as ``-machine pflash1=NODE`` with its ``-blockdev`` (up to QEMU 4.1 as
``-drive if=pflash,unit=1``), and a ``<varstore>`` as ``-device uefi-vars-…,jsonfile=PATH`` (QEMU
``hw/uefi/var-service-json.c``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from host_agent.domain.uefi import Uefi
from host_agent.missing import Missing, Reason
from host_agent.qemu.command_line import OptionsError, options_in, properties_of

RAW, QCOW2, JSON = "raw", "qcow2", "json"
_FORMS = frozenset({RAW, QCOW2, JSON})
_FILES = frozenset({"file", "host_device"})
_MOST_LAYERS = 8
_NO_STORE = Missing(
    reason=Reason.ABSENT, sentence="the firmware keeps no variables: it has no store"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file with variables."""

    path: str
    """As the QEMU sees it."""
    form: str
    """``raw``, ``qcow2`` or ``json``."""


def declared(uefi: Uefi) -> Place | Missing:
    """Return where an XML says that they are."""
    store = uefi.store
    if store is None:
        return _NO_STORE
    if store.path is None:
        return Missing(
            reason=Reason.UNSUPPORTED if store.elsewhere else Reason.ABSENT,
            sentence=f"the firmware's variables are of type {store.elsewhere!r}, which is not read"
            if store.elsewhere
            else "libvirt has not made a store for the firmware's variables yet",
        )
    return _place(store.path, store.form)


def of_command_line(arguments: Sequence[str]) -> Place | Missing:
    """Return where a QEMU that runs has them."""
    try:
        return _found(list(options_in(arguments)))
    except OptionsError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))


def _found(given: Sequence[tuple[str, str]]) -> Place | Missing:
    machine: dict[str, str] = {}
    for option, value in given:
        if option in {"machine", "M"}:
            machine |= properties_of(value, "type")
        elif option == "device":
            device = properties_of(value, "driver")
            if device.get("driver", "").startswith("uefi-vars-"):
                file = device.get("jsonfile")
                return _place(_plain(file), JSON) if file else _NO_STORE
    if "pflash1" in machine:
        nodes = (properties_of(value, "driver") for option, value in given if option == "blockdev")
        return _node(machine["pflash1"], {node.get("node-name", ""): node for node in nodes})
    # As libvirt wrote it for QEMU up to 4.1.
    for option, value in given:
        drive = properties_of(value, "file") if option == "drive" else {}
        if drive.get("if") == "pflash" and drive.get("unit") == "1":
            return _place(_plain(drive.get("file", "")), drive.get("format", RAW))
    return _NO_STORE


def _node(name: str, nodes: Mapping[str, Mapping[str, str]]) -> Place | Missing:
    form = RAW
    for _ in range(_MOST_LAYERS):
        node = nodes.get(name, {})
        driver = node.get("driver", "")
        if driver in _FILES:
            return _place(_plain(node.get("filename", "")), form)
        if driver not in _FORMS:
            break
        form, name = driver, node.get("file", "")
    return Missing(
        reason=Reason.UNSUPPORTED, sentence="the firmware's variables are in no file of this host"
    )


def _place(path: str, form: str) -> Place | Missing:
    if form not in _FORMS or not path.startswith("/") or "\0" in path:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence="the firmware's variables are in no file of a form that is read",
        )
    return Place(path=path, form=form)


def _plain(text: str) -> str:
    return text.replace(",,", ",")

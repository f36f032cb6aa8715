"""The firmware's images that a QEMU command line names. Pure.

The image is opened read-only and without a lock; the domain's own variable store never is: what is
put in its place is a copy of the one that the firmware's package has for a new guest.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from host_agent.printable import printable
from host_agent.qemu.command_line import OptionsError, properties_of

_CODE, _STORE = "rehearsal-code", "rehearsal-store"
_SET = 918
"""The number of the descriptor set that holds the variable store."""
_MOST_LAYERS = 8
_FORMS = {"raw", "qcow2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """The firmware's images."""

    code: str
    """Path, in the binary's own root."""
    form: str
    """``raw`` or ``qcow2``."""
    store: bool
    """Whether there is a variable store beside it."""

    def options(self, store: int | None) -> tuple[list[str], str]:
        """Return the back-ends, and what is added to the machine's properties.

        ``store``: a descriptor of what the variables are written to; None: there is none.
        """
        nodes: list[dict[str, object]] = [
            {
                "driver": "file",
                "filename": self.code,
                "locking": "off",
                "read-only": True,
                "node-name": f"{_CODE}-file",
            },
            {"driver": self.form, "file": f"{_CODE}-file", "read-only": True, "node-name": _CODE},
        ]
        machine, opened = f",pflash0={_CODE}", []
        if store is not None:
            opened = ["-add-fd", f"fd={store},set={_SET}"]
            nodes.append(
                {
                    "driver": "file",
                    "filename": f"/dev/fdset/{_SET}",
                    "locking": "off",
                    "node-name": f"{_STORE}-file",
                }
            )
            nodes.append({"driver": "raw", "file": f"{_STORE}-file", "node-name": _STORE})
            machine += f",pflash1={_STORE}"
        return [*opened, *_words(nodes)], machine


def _words(nodes: Sequence[Mapping[str, object]]) -> Iterator[str]:
    for node in nodes:
        yield from ("-blockdev", json.dumps(node, separators=(",", ":")))


def flash(given: Sequence[tuple[str, str]]) -> Flash | None:
    """Return the images; None: the firmware is no flash. Raises ``OptionsError``."""
    machine: dict[str, str] = {}
    for option, value in given:
        if option in {"machine", "M"}:
            machine |= properties_of(value, "type")
    if "pflash0" in machine:
        nodes = (properties_of(value, "driver") for option, value in given if option == "blockdev")
        named = {node.get("node-name", ""): node for node in nodes}
        code, form = _image(machine["pflash0"], named)
        return Flash(code=code, form=form, store="pflash1" in machine)
    # As libvirt wrote it for QEMU up to 4.1.
    drives = [properties_of(value, "file") for option, value in given if option == "drive"]
    images = sorted(
        (drive for drive in drives if drive.get("if") == "pflash"),
        key=lambda drive: drive.get("unit", "0"),
    )
    if not images:
        return None
    first = images[0]
    return Flash(
        code=path(first.get("file", "")),
        form=_form(first.get("format", "raw")),
        store=len(images) > 1,
    )


def _image(name: str, nodes: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """Return path and form of what a node leads to; raises ``OptionsError``."""
    form = "raw"
    for _ in range(_MOST_LAYERS):
        node = nodes.get(name, {})
        driver = node.get("driver", "")
        if driver == "file":
            return path(node.get("filename", "")), form
        form = _form(driver)
        name = node.get("file", "")
    raise OptionsError("QEMU's command line names no file with the firmware's image")


def path(text: str) -> str:
    """Return the path of a firmware's image; raises ``OptionsError`` where it is none."""
    found = text.replace(",,", ",")
    if not found.startswith("/") or "\0" in found:
        raise OptionsError(f"{printable(found)[:80]!r} is no path of a firmware's image")
    return found


def _form(form: str) -> str:
    if form not in _FORMS:
        raise OptionsError(f"a firmware's image of the form {printable(form)[:20]!r} is not read")
    return form

"""Rehearses what firmware measures, or prints the boots of that as JSON, for a bare run.

``python -m tests.bench.all_measured boots|rehearse TIMES``: of each domain so many times.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.hypervisor import connected
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import measured_boot, variable_store
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain
from tests.bench import shapes

STORE, TPM = 50, 51
"""The descriptors that a bare boot has open."""
_START = "-no-user-config", "-nodefaults", "-display", "none"
_BACK_END = (
    "-chardev", f"socket,id=tpm,fd={TPM}", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
    "-device", "tpm-crb,tpmdev=tpm0",
)  # fmt: skip
_TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices>"
_UEFI = """<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
  <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/nowhere</nvram></os>"""
_EMULATOR = "/usr/bin/qemu-system-x86_64"
_SECONDS = 300.0


def domains() -> Iterator[RehearsalOptions]:
    """Yield a domain with a BIOS and one with UEFI, as libvirt would start them."""
    with connected("qemu:///system") as hypervisor:
        for firmware in ("</os>", _UEFI):
            # The second shape is a q35.
            xml = shapes.xml("measured", 1).replace("</devices>", _TPM)
            xml = xml.replace("<memory unit='MiB'>32", "<memory unit='MiB'>256")
            arguments = hypervisor.native_arguments(xml.replace("</os>", firmware))
            yield from_domain(arguments, "x86_64")


def rehearse(binary: QemuBinary, options: RehearsalOptions) -> None:
    """Rehearse one."""
    measured_boot.measure(binary, options, "tpm-crb", None, _SECONDS)


def boot(binary: QemuBinary, options: RehearsalOptions) -> dict[str, object]:
    """Return a bare boot of one, with where it leaves its log, by a first rehearsal."""
    places: list[int] = []
    searched = measured_boot._log

    with pytest.MonkeyPatch.context() as patched:

        def noted(*arguments: object) -> tuple[int, int] | None:
            found: tuple[int, int] | None = searched(*arguments)  # type: ignore[arg-type]
            places.extend(found[:1] if found else ())
            return found

        patched.setattr(measured_boot, "_log", noted)
        rehearse(binary, options)
    flash = options.flash
    return {
        "command": [
            binary.path,
            *_START,
            *options.command(None if flash is None else STORE),
            *_BACK_END,
        ],
        "store": None if flash is None else variable_store.template(flash.code, Path("/")),
        "address": places[0],
    }


def main(what: str, number: int) -> None:
    binary = qemu_binary.installed(_EMULATOR)
    each = list(domains()) * number
    if what == "boots":
        made = [boot(binary, options) for options in each[: len(each) // number]]
        json.dump(made * number, sys.stdout)
        return
    for options in each:
        rehearse(binary, options)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

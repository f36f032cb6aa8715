"""Prints the command lines of the least that an atlas of this host's QEMU can be, as JSON."""

import json
import sys

from host_agent.qemu import binary, machine_list
from host_agent.qemu import options as qemu_options
from host_agent.qemu.atlas_probe import default_binary, survey


def main() -> None:
    path = default_binary(None)
    offer = machine_list.ask(binary.installed(path))
    devices = qemu_options.devices_for_roms(offer.devices)
    start = [path, "-no-user-config", "-nodefaults", "-display", "none"]
    bare = []
    for one in survey(path).machines:
        if one.fingerprint is not None:
            # A machine without PCI has no place for them.
            more = devices if "-device" in one.fingerprint.options else ()
            bare.append(qemu_options.bare(one.name, offer.architecture, more).command())
    # Which types there are must be asked as well.
    json.dump([[*start, "-machine", "none"], *([*start, *one] for one in bare)], sys.stdout)


if __name__ == "__main__":
    main()

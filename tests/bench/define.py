"""Shut-off domains of five shapes here, exactly so many: ``python -m tests.bench.define N``."""

import sys

import libvirt

from tests.bench import shapes

PREFIX = "off-"


def main(number: int) -> None:
    connection = libvirt.open("qemu:///system")
    there = {
        domain.name(): domain
        for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE)
        if domain.name().startswith(PREFIX)
    }
    wanted = [f"{PREFIX}{one:05}" for one in range(number)]
    for name in there.keys() - set(wanted):
        there[name].undefine()
    for one, name in enumerate(wanted):
        if name not in there:
            connection.defineXML(shapes.xml(name, one))
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))

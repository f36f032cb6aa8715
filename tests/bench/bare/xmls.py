"""Floor: both XMLs of each domain, by bare libvirt-python. Called with a URI.

With ``native``: libvirt's command line for the next start as well.
"""

import sys

import libvirt

connection = libvirt.open(sys.argv[1])
native = "native" in sys.argv[2:]
for domain in connection.listAllDomains(0):
    domain.XMLDesc(0)
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    if native:
        connection.domainXMLToNative("qemu-argv", xml, 0)
connection.close()

"""Floor: both XMLs of each domain, by bare libvirt-python. Called with a URI."""

import sys

import libvirt

connection = libvirt.open(sys.argv[1])
for domain in connection.listAllDomains(0):
    domain.XMLDesc(0)
    domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
connection.close()

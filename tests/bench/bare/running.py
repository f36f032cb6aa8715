"""Floor: the bare calls of an audit without agents, for each domain that runs.

Both XMLs, libvirt's command line for the next start, and one look at the guest's memory.
"""

import libvirt

connection = libvirt.open("qemu:///system")
for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
    domain.XMLDesc(0)
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    connection.domainXMLToNative("qemu-argv", xml, 0)
    domain.memoryPeek(0xF0000, 0x8000, libvirt.VIR_MEMORY_PHYSICAL)
connection.close()

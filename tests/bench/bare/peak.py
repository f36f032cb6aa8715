"""Floor: the same imports, and both XMLs of each domain; prints the most memory it had, in KiB.

Called with a URI and the names of the modules.
"""

import sys
from importlib import import_module
from pathlib import Path

for name in sys.argv[2:]:
    import_module(name)

import libvirt  # noqa: E402 - it may be the first that imports it

connection = libvirt.open(sys.argv[1])
for domain in connection.listAllDomains(0):
    domain.XMLDesc(0)
    domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
status = Path("/proc/self/status").read_text(encoding="ascii")
print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)

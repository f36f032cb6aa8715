"""Floor: the same imports, a connection to libvirt, and its events listened to; then for ever.

Called with the path of a file that it makes once it waits, a URI, and the names of the modules.
libvirtd calls on who listens to events every few seconds (``keepalive_interval`` of libvirtd.conf).
"""

import sys
from importlib import import_module
from pathlib import Path

for name in sys.argv[3:]:
    import_module(name)

import libvirt  # noqa: E402 - it may be the first that imports it

libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open(sys.argv[2])
domains = connection.listAllDomains(0)
connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, print, None)
Path(sys.argv[1]).touch()
while True:
    libvirt.virEventRunDefaultImpl()

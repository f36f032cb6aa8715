"""Floor: the same imports, a connection to libvirt and its domains; then waits for ever.

Called with the path of a file that it makes once it waits, a URI, and the names of the modules.
"""

import signal
import sys
from importlib import import_module
from pathlib import Path

for name in sys.argv[3:]:
    import_module(name)

import libvirt  # noqa: E402 - it may be the first that imports it

connection = libvirt.open(sys.argv[2])
domains = connection.listAllDomains(0)
Path(sys.argv[1]).touch()
signal.pause()

"""Floor: Python that waits on a descriptor for ever. Called with the path of a socket to be."""

import select
import socket
import sys

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(1)
poll = select.poll()
poll.register(listener, select.POLLIN)
poll.poll()

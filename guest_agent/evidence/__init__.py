"""One file per group of evidence: ``parse`` is pure, ``read(root)`` is a few lines of I/O.

``GROUPS`` is the list of all groups of the wire contract; one without a reader is reported as
unsupported.
"""

"""Which domains get to another host or release, and how."""

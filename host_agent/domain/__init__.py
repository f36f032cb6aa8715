"""A libvirt domain in words: its XML read, whose it is, what happens to it. Pure."""

"""Many hosts at once: which they are, by an inventory, and each asked by a process of its own."""

"""Version 1 of the wire contract: ``guest.proto`` and its generated stubs."""

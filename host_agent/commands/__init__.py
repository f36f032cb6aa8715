"""The command line: one file a command; what they share lies in ``shared``."""

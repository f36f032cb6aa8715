"""The exit codes of the commands; which of them it is, ``exit_code`` of its output decides."""

VERIFIED, MISMATCH, USAGE, UNVERIFIED, UNREACHABLE = 0, 1, 2, 3, 4
"""The middle one is a usage or configuration error."""
INTERRUPTED = 130
"""After Ctrl-C, as of any program that SIGINT ends."""

"""The exit codes of the commands."""

VERIFIED, MISMATCH, USAGE, UNVERIFIED, UNREACHABLE = 0, 1, 2, 3, 4
"""Exit codes of the commands (the middle one is a usage or configuration error)."""

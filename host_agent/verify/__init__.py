"""Cases judged by a command or the daemon; alone or against what was: audit, verify, why, serve."""

"""Cases judged: alone, or against what was; the jobs audit, verify, why, serve."""

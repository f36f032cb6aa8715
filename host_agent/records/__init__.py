"""Ledger, journals and what else outlives the program; and forgetting it."""

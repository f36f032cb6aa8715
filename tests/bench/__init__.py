"""Benchmarks: each beside its floor, measured in the same run, one after the other in turn."""

"""Benchmarks: each in the same run as its floor, reported as a ratio."""

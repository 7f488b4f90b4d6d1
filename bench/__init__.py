"""Benchmarks: what the system costs, always beside what the machine itself allows."""

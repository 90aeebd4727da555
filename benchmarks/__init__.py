"""Benchmarks: what the mechanisms cost, measured on the machine at hand."""

"""
The comparison: what users pay for, measured beside other ways to do the same.

Contenders are processes (see ``benchmarks.contenders``) that take turns within each round; what
counts are ratios of medians, as machines differ, and drift.
"""

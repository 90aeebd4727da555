"""Stress: faults, races and load on private servers, and the checker that looks at what is left."""

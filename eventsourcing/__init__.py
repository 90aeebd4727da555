"""Event sourcing in plain Python: aggregates, applications, and systems of applications."""

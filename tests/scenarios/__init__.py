"""Scenarios: the example project as its users run it, in processes of their own."""

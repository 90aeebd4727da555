"""Commands of the permit office."""

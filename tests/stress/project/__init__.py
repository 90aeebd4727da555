"""The project of the stress tests: a bank, its followers, and what these have done."""

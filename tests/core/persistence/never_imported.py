"""A module that no test imports: a topic in stored data must not have it run."""

raise AssertionError("Stored data had a module run.")

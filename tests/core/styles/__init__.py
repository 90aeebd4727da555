"""Styles of writing aggregates, each as a small domain that passes the same tests."""

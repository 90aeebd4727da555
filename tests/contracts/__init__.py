"""Contracts: what every persistence module keeps to, each run on memory and on each database."""

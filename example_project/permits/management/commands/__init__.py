"""`import_cases`: record an event log from a file."""

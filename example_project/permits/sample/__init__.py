"""The sample that the demo records: invented cases, written by `generate`."""

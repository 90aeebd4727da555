"""The permit office: cases, the activities completed in them, and counts of both."""

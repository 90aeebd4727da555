"""`demo`: record the sample and count it."""

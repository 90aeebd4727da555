"""Metadata: given around a block, carried on by followers, read where it is needed."""

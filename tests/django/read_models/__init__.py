"""An app of read models, with all that Django lets a table have."""

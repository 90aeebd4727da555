"""A database engine that is SQLite under another name."""

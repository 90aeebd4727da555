"""An app of a project that keeps some applications' records in tables of their own."""

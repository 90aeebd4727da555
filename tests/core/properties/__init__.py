"""Properties: what holds for any sequence of commands, and for any damage."""

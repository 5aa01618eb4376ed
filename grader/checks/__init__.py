"""One file, one rule; found by a folder walk."""

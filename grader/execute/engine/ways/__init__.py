"""Other ways to compute the same training, each held against the plain one before it counts."""

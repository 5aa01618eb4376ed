"""AR: what was handed in."""

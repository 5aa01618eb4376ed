"""Facts: what we run, replay or rebuild ourselves."""

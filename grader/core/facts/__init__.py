"""What the trusted side recomputed. One module a topic; the base is in `base`."""

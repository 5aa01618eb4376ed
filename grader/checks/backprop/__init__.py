"""BP: the derivation in text."""

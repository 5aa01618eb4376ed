"""Prose to claims about the network, and what a claim is worth beside the truth."""

"""LR: the learning-rate sweep."""

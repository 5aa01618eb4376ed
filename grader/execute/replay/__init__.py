"""Replaying workbooks: our own evaluator, the local identity test, the whole replay, the sweep."""

"""Runs bytes that we do not trust: one interface (`api`), several backends, one conformance suite."""

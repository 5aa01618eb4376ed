"""Makers of test inputs: importable without pytest, deterministic by seed."""

"""Artefact to Evidence: pure functions of bytes."""

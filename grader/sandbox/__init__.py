"""Runs bytes that we do not trust, behind one interface."""

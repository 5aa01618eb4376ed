"""Outcomes to marks: the only place where points exist."""

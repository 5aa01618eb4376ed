"""Runs that survive a crash and can be graded again."""

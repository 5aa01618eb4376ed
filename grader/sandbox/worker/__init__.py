"""Runs inside the sandbox; imports nothing of grader."""

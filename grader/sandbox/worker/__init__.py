"""Runs inside the sandbox, beside the student's code; imports nothing of grader, and nothing here is trusted
outside.
"""

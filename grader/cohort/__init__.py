"""Many submissions of a class to facts for its instructor: what looks alike. Never points, never shown to
students.
"""

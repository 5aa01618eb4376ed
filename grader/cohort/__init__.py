"""Many submissions to facts for the instructor, never points."""

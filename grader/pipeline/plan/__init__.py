"""What must be computed for a rubric, and under which key it is kept."""

"""The files that a student handed in, as pages beside the report: what was found stands where it is."""

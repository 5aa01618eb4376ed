"""The trusted oracle: what the assignment computes, derived and trained by us. Imports nothing of grader."""

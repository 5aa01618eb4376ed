"""Click commands, one a file."""

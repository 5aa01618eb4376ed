"""One iteration table: its columns, the test of every formula, and the states of its columns."""

"""What is wrong with a formula: the search for the edit that makes it right, and the sentence about it."""

"""Records that every other layer speaks; imports nothing of ours."""

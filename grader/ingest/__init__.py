"""Bytes to Submission: folder, zip, single file. Knows formats of delivery, not of content."""

"""Reads and judges the formulas of the 2-2-2 network that students write in free text."""

"""A class goes through its phases: what was asked, which job begins when, what it needs of a machine."""

"""A class: every submission in phases that are kept, and shown on one page."""

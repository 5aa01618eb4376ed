"""A class: every submission in phases that are kept, judged again from the store, and shown on one page."""

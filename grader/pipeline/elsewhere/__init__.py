"""A job of a class on another machine: its files go there and its results come back through one folder."""

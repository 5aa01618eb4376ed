"""Trainings from fresh weights to the number that decides, kept and gone on with."""

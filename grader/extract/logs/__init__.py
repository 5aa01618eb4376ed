"""Printed lines and tables to training runs and model summaries."""

"""Verify the Backpropagation and MNIST assignment."""

__version__ = "0.1.0"

"""The class sheet that the assignment was first given with: its network, its values, its widespread error.

Nothing else in grader knows them: a rubric that says nothing in `[network]` and `[profile]` has these, and
what is said and searched is made from the rubric's own network.
"""

from typing import Final

LAYERS: Final = (2, 2, 2)
"""Inputs, hidden units, outputs; sigmoids, without biases, under half the squared error."""
INPUTS: Final = (0.05, 0.10)
TARGETS: Final = (0.01, 0.99)
WEIGHTS: Final = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)
LEARNING_RATES: Final = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
INHERITED: Final = ("a_h1", "a_h2")
"""A copy of the sheet that many classes got has the slope of the first in the gradients of the weights that
lead to the second.
"""
EXAMPLE: Final = "∂E/∂w5 = (a_o1 − t1)·a_h1"
"""A line as students write it."""

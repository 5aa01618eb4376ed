"""The mathematics of Part 1, for the network that a rubric describes: values, derivatives, slips."""

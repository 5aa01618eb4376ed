"""A quantity has the number of another one.

The line of the first output was copied for the second, or the other way round.

    ∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     wrong
    ∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2     right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("index-swapped", "index swapped", throughout=True)

"""A unit's sum stands for its output, or its output for the sum.

What the activation makes of a sum has a name of its own.

    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * h1       wrong
    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("activation-confused", "value before and after the activation confused", throughout=True)

"""The loss of one output stands for the sum over all.

What lies before the last layer changes the losses of all outputs.

    ∂E/∂w1 = ∂E1/∂w1     wrong
    ∂E/∂w1 = ∂E1/∂w1 + ∂E2/∂w1     right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("part-for-total", "loss of one output for the total loss", cost=1.12)

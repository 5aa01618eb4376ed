"""The total loss stands for that of one output.

The total is the sum, and not one of its parts.

    E1 = E1 + E2     wrong
    E = E1 + E2      right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("total-for-part", "total loss for the loss of one output")

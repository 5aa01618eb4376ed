"""The error that a widespread class sheet has.

In its gradients of the weights that lead to the second hidden unit the slope is that of the first; the
losses hardly show it.

    ∂E/∂w3 = … * a_h1 * (1 - a_h1) * i1     wrong
    ∂E/∂w3 = … * a_h2 * (1 - a_h2) * i1     right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="inherited-class-error",
    sentence="the error of a widespread class sheet",
)

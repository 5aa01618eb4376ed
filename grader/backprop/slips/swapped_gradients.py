"""A gradient's column holds the formula of another gradient.

Two columns were exchanged.

    ∂E/∂w5 holds the formula of ∂E/∂w6     wrong
    ∂E/∂w5 holds its own                   right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="swapped-gradients",
    sentence="the formula of another gradient",
)

"""A column holds the formula of another quantity.

It was filled from a neighbouring column.

    h2 =B5*C5+D5*E5, which is h1     wrong
    h2 =F5*C5+G5*E5                  right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="other-quantity",
    sentence="the formula of another quantity",
)

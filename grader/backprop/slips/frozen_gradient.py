"""Every row takes the gradient of the first.

A $ before the row keeps the reference where it was.

    =E33-$G$31*X$33     wrong
    =E33-$G$31*X33      right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="frozen-gradient",
    sentence="the first row's gradient in every row",
)

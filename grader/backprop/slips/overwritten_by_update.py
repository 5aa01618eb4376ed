"""A column is calculated from itself in the row above, like a weight.

The updates were filled one column too far.

    h1 =I33-$G$31*X33     wrong
    h1 =E34*C34+F34*D34   right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="overwritten-by-update",
    sentence="another column's formula filled over it",
)

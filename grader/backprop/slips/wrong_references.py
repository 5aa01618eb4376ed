"""Two references of one formula read other cells.

The formula was written for another quantity and changed in part.

    =B5*D5+C5*F5     wrong
    =B5*C5+D5*E5     right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="wrong-references",
    sentence="two other cells",
)

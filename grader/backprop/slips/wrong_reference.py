"""A formula reads another cell than the one that belongs there.

The reference was clicked one column or row off.

    =B5*C5+D5*F5     wrong
    =B5*C5+D5*E5     right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="wrong-reference",
    sentence="another cell",
)

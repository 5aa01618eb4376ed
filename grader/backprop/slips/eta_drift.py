"""The update reads another cell than the learning rate's.

A reference without $ moves along when the column is filled down.

    =E33-G31*X33, and below =E34-G32*X34         wrong
    =E33-$G$31*X33, and below =E34-$G$31*X34     right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="eta-drift",
    sentence="another cell for the learning rate",
)

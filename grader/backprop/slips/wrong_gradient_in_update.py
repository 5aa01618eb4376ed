"""A weight is changed by the gradient of another one.

The update was filled to the right, and the gradients do not stand in the order of the weights.

    w1 =E33-$G$31*Y33, the gradient of w2     wrong
    w1 =E33-$G$31*X33                         right
"""

from grader.backprop.edits import Slip

slip = Slip(
    code="wrong-gradient-in-update",
    sentence="another weight's gradient in the update",
)

"""Another quantity of the same number.

An input stands where the output of a hidden unit belongs.

    o1 = w5*i1 + w6*a_h2       wrong
    o1 = w5*a_h1 + w6*a_h2     right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("wrong-quantity", "wrong quantity", throughout=True)

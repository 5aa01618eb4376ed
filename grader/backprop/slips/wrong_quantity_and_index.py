"""Another quantity, and another number.

Both were taken from a neighbouring line.

    o1 = w5*a_h1 + w6*i1       wrong
    o1 = w5*a_h1 + w6*a_h2     right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("wrong-quantity-and-index", "wrong quantity and index")

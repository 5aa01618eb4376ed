"""A product stands where a sum belongs.

What leads into a unit is added up.

    h1 = w1*i1 * w2*i2     wrong
    h1 = w1*i1 + w2*i2     right
"""

from grader.backprop.slips._operators import operator_slip

slip = operator_slip(
    "times-for-plus", "a product where a sum belongs", rank=22, wrote="*", meant="+", cost=1.3
)

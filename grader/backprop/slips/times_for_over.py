"""A product stands where a quotient belongs.

The sigmoid divides 1 by a sum.

    a_h1 = 1 * (1 + exp(-h1))     wrong
    a_h1 = 1/(1 + exp(-h1))       right
"""

from grader.backprop.slips._operators import operator_slip

slip = operator_slip(
    "times-for-over", "a product where a quotient belongs", rank=24, wrote="*", meant="/", cost=1.4
)

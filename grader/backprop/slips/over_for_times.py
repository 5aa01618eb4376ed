"""A quotient stands where a product belongs.

The factors of the chain rule are multiplied.

    ∂E/∂w5 = ∂E/∂o1 / a_h1     wrong
    ∂E/∂w5 = ∂E/∂o1 * a_h1     right
"""

from grader.backprop.slips._operators import operator_slip

slip = operator_slip(
    "over-for-times", "a quotient where a product belongs", rank=25, wrote="/", meant="*", cost=1.3
)

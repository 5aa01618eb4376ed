"""One weight stands for another.

The weights of a layer are counted by where they lead; one that leads elsewhere was taken.

    h2 = w3*i1 + w2*i2     wrong
    h2 = w3*i1 + w4*i2     right
"""

from grader.backprop.confusions import name_slip

slip = name_slip("wrong-weight", "wrong weight")

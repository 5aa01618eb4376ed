"""Training of networks that crossed the boundary as data: fresh weights of ours, recipes as data, true
digits.
"""

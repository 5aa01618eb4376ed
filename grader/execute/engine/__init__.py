"""Training of networks that crossed the boundary as data: fresh weights of ours, recipes as data, true digits."""

ENGINE_VERSION = 1
"""Goes up whenever the same network, recipe and seed may give other curves; part of every cache key."""

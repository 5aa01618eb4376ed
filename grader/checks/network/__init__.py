"""NN: the network."""

"""TR: the training that the log shows."""

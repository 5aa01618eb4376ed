"""Whether a statement is true: values at random points, conventions by vote."""

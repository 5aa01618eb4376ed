"""Networks as data: the schema that crosses the trust boundary, its validation, an interpreter, and facts."""

"""A line's text to trees: notation, vocabulary, grammar, and what stands for an `=`."""

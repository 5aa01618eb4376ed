"""Whether a notebook trains on the digits that it tests on."""

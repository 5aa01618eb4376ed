"""What a whole document adds to its lines: wrapped formulas, inherited left sides, signs of another network."""

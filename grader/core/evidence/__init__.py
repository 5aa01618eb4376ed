"""What a submission says: claims and formulas, each with its place. One module a topic; the base is in
`base`.
"""

"""Pictures for pages, drawn by hand as inline SVG or MathML: no library, no script, the same bytes for the
same numbers.
"""

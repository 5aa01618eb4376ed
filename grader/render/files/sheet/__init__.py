"""A workbook drawn as a sheet: the rows and columns that matter, with the findings below them."""

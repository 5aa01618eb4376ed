"""WB: the spreadsheet."""

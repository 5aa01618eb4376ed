"""One workbook: the full replay, stored values, displayed losses, charts and contradictions."""

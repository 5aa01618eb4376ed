"""The formula language of worksheets: tokens, values, functions, and small edits of a formula."""

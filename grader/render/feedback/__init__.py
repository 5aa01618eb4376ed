"""The student's own files with the findings in them: a notebook, a workbook, and the page of such a
notebook.
"""

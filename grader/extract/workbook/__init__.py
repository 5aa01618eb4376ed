"""Reading workbooks: bytes to cells, tables and charts, in a child process with limits."""

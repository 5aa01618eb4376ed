"""The syntax of our modules, parsed once for all tests of this folder: seven of them go through every node of
650 files, and each parsed all of them again.
"""

import ast
from functools import cache
from pathlib import Path


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module in the order of `ast.walk`."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))

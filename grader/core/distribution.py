"""Under which name grader is installed: the command and the import are `grader`, the distribution is not.

A package index may hold another distribution called `grader`; a hint that named it would bring in a
stranger's code.
"""

DISTRIBUTION = "backprop-mnist-grader"


def install_hint(extra: str) -> str:
    """The command that adds an extra (`notebook`, `retrain`, `all`, `ray`) to an installed grader."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"

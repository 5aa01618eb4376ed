"""Why a workbook cannot be read."""

from grader.core.submission import Problem


class Unreadable(Exception):
    """A workbook that cannot be read; the message is one sentence for the student, with the remedy."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message


class Declared(Unreadable):
    """A part declares a document type, and with it entities: nothing of it is read."""

"""All workbooks of a submission replayed."""

from grader.core.evidence.workbook import WorkbookEvidence
from grader.core.facts.replay import ReplayFacts
from grader.core.rubric import Profile
from grader.execute.replay.book.replay_book import replay_book


def replay_workbooks(books: WorkbookEvidence, profile: Profile) -> ReplayFacts:
    """Replay every workbook with the learning rates of the class profile."""
    return ReplayFacts(books=tuple(replay_book(book, profile) for book in books.books))

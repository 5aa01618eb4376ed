"""The training recipe, read from the live objects."""

from typing import Any

from .ledger import Ledger
from .tracker import Tracker


class Recorder:
    """Notes what training used while it ran."""

    def __init__(self, ledger: Ledger, tracker: Tracker, mnist: type) -> None:
        self._tracker = tracker

    def recipe(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """The recipe as whitelisted JSON."""
        return {}

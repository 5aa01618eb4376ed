"""Pictures as the markup of their figures: what a page takes whole, and what can be kept of it."""

from collections.abc import Sequence

import msgspec

from grader.render.escape import SafeHtml
from grader.render.html import environment
from grader.render.pictures.picture import Picture


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one page as markup; texts here, for a store keeps no markup."""

    before: str = ""
    """What stands folded above the results."""
    after: str = ""
    """What stands below them."""

    @property
    def above(self) -> SafeHtml:
        """The markup above the results."""
        return SafeHtml(self.before)

    @property
    def below(self) -> SafeHtml:
        """The markup below the results."""
        return SafeHtml(self.after)


def figures_of(pictures: Sequence[Picture]) -> Figures:
    """Return pictures as the markup of their figures."""
    made = environment().get_template("figures.html.j2").module
    return Figures(
        before=str(made.before([p for p in pictures if p.before_results])),  # type: ignore[attr-defined]
        after=str(made.after([p for p in pictures if not p.before_results])),  # type: ignore[attr-defined]
    )

"""The rows of the printed model summary add up to its total.

## What it checks
Every torchsummary, torchinfo or Keras table in the notebook's outputs and in the README: the parameters of
its rows against the total printed under them.

## Why it matters
A program that prints both cannot make them differ. If they differ in a saved output, the output was changed
after the run; in a README, a row was mistyped or belongs to another network.

## Example
    Conv2d-1     [-1, 8, 26, 26]      80
    Linear-2     [-1, 10]         13,530
    Total params: 9,610

## What to do instead
Run the cell that prints the summary again and keep its output as it is; paste it into the README as a whole.
"""

from grader.core.evidence.documents import Documents
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.evidence.summaries import Sum, Summary, SummaryEvidence
from grader.core.outcome import Finding, Outcome, failed, passed, unknown
from grader.core.rule import Rule
from grader.core.submission import Kind


def check(summaries: SummaryEvidence, notebooks: NotebookEvidence | None, documents: Documents) -> Outcome:
    """Fail where a saved output contradicts itself; unknown where a typed or quoted table does.

    Where no table stands, none contradicts itself: a pass, unless there was no notebook to look in.
    """
    tables = summaries.summaries
    if not tables and (notebooks is None or not notebooks.readable):
        return documents.absent("a notebook", Kind.NOTEBOOK).outcome("no model summary was quoted")
    if not tables:
        return passed("no model summary was printed or quoted, so none contradicts itself")
    wrong = [s for s in tables if s.sums_up is Sum.DIFFERENT]
    if not wrong:
        right = [s for s in tables if s.sums_up is Sum.EQUAL]
        if not right:
            return unknown("no summary shows both its rows and its total")
        return passed(
            f"the rows of {len(right)} {'summary' if len(right) == 1 else 'summaries'} add up to the total"
        )
    findings = [_finding(s) for s in wrong]
    first = wrong[0]
    text = f"the rows add up to {first.row_sum:,}, the total says {first.total:,} ({first.place})"
    return failed(text, findings) if any(s.saved for s in wrong) else unknown(text, findings)


def _finding(table: Summary) -> Finding:
    assert table.total is not None
    gap = table.total - table.row_sum
    suspects = [r for r in table.rows if r.params and r.params == -gap]
    hint = (
        f"{suspects[0].type} in {suspects[0].place} is exactly the {-gap:,} too many"
        if suspects
        else (
            f"{abs(gap):,} parameters are "
            f"{'missing from the rows' if gap > 0 else 'too many in the rows'}; print the summary "
            "again and paste all of it"
        )
    )
    return Finding(
        message="the summary's rows and its total contradict each other",
        place=table.total_place or table.place,
        expected=f"{table.row_sum:,}, the sum of {len(table.rows)} rows",
        found=f"{table.total:,}",
        hint=hint,
        diagnosis="summary-sum-saved" if table.saved else "summary-sum-quoted",
    )


rule = Rule(code="IN801", name="summary-adds-up", check=check)

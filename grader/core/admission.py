"""A saved log that admits a miss: complete, over the true number of test digits, of the submitted notebook,
and never at the threshold.

A log is a claim and proves nothing for its author; one that speaks against its author may decide (DESIGN: the
admission). About the retrained accuracy it decides only where the rubric says so, to save the training: one
of eight notebooks that were run again had logged 99.36 and reached 99.50.
"""

from grader.core.evidence.logs import Answer, LogEvidence, Origin, Run
from grader.core.retrain_rule import RuleParams
from grader.core.rubric import AccuracyOf


def admitted(logs: LogEvidence | None, rule: RuleParams) -> Run | None:
    """Return the best saved run where every saved run admits the miss, None where any leaves a doubt."""
    saved = logs.of(Origin.NOTEBOOK) if logs is not None else ()
    if rule.accuracy_of is AccuracyOf.TRAINING:
        return None  # what is printed while an epoch goes on lies below what is reached at its end
    if logs is None or not saved or not all(_misses(run, rule) for run in saved):
        return None
    if not rule.last and any(logs.beside(r, 100 * rule.right / rule.digits, rule.digits) for r in saved):
        return None
    return max(saved, key=lambda run: run.best)


def _misses(run: Run, rule: RuleParams) -> bool:
    if run.unprinted or not (
        run.main and run.complete and all(epoch.total == rule.digits for epoch in run.epochs)
    ):
        return False
    counted = run.counting(rule.epochs, last=rule.last)
    # A run that is longer than the rule allows has no last epoch that counts, and admits nothing about the
    # one at the limit.
    below = [epoch.at_least(100 * rule.right / rule.digits) is Answer.NO for epoch in counted]
    return any(below) if rule.last else bool(below) and all(below)

"""`grader override`: a person's decision over a check's."""

import getpass
from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(
    help="Decide a criterion of a submission yourself. Kept over re-grading, shown with who, when and why."
)
@click.argument("submission")
@click.argument("code")
@click.option("--verdict", required=True, type=click.Choice(["pass", "partial", "fail", "unknown"]))
@click.option("--credit", type=click.FloatRange(0, 1), help="Share of the points; needed for partial.")
@click.option("--reason", required=True, help="One sentence; the student sees it.")
@click.option("--who", default="", help="Whose decision it is (default: your user name).")
@store_options
def command(submission: str, code: str, out: Path, store: Path | None, **options: object) -> int:
    """Append the decision and draw the newest run again."""
    from grader.checks.catalogue import catalogue
    from grader.cli.options import echo_refused, open_store
    from grader.core.decision import Decision
    from grader.core.faults import UsageFault
    from grader.core.outcome import Verdict
    from grader.pipeline.classroom.reports import publish_run
    from grader.pipeline.plan.plan import mark_sheet
    from grader.pipeline.plan.rubrics import parse
    from grader.store.runs import now

    verdict = Verdict(str(options["verdict"]))
    given = options["credit"]
    if (verdict is Verdict.PARTIAL) != (given is not None):
        raise UsageFault("--credit goes with --verdict partial, and partial needs it")
    credit = float(str(given)) if given is not None else float(verdict is Verdict.PASS)
    with open_store(out, store) as opened:
        run = opened.run()
        loaded = parse(run.rubric, run.rubric_name, catalogue())
        if submission not in opened.deliveries(run.id):
            raise UsageFault(
                f"{submission}: not in run {run.id}; there are {', '.join(opened.deliveries(run.id))}"
            )
        known = {name for c in loaded.rubric.criterion for name in (c.id, c.check)}
        if code not in known:
            raise UsageFault(
                f"{code}: not in rubric {loaded.rubric.id}; there are {', '.join(sorted(known))}"
            )
        reason = str(options["reason"]).strip()
        if not reason:
            raise UsageFault("--reason must say why")
        who = str(options["who"]) or getpass.getuser()
        opened.decide(
            Decision(
                submission=submission,
                code=code,
                verdict=verdict,
                credit=credit,
                reason=reason,
                who=who,
                made=now(),
            )
        )
        published = publish_run(opened, run, mark_sheet(loaded), out)
    echo_refused(published.failed)
    click.echo(f"{submission} {code}: {verdict.value}, decided by {who}")
    click.echo(f"the pages under {out} show it; after other changes: grader report -o {out}")
    return 0

"""What `make demo` runs: grades the sample class, trains a network of it again, and says in plain words what
was found and what was not done.

python scripts/demo.py            # trains the network of `perfect` again, where MNIST is or can be fetched
python scripts/demo.py --all      # trains every network of the class again
python scripts/demo.py --light    # runs and trains nothing, and needs no torch
"""

import argparse
import os
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from grader.checks.catalogue import catalogue
from grader.cli.class_output import class_progress
from grader.cli.options import runs_folder
from grader.cli.output import speak_unicode, unicode_wanted
from grader.core.faults import Unavailable
from grader.core.machine import user_cache
from grader.core.outcome import Verdict
from grader.core.progress import listening
from grader.core.report import Marked, Report
from grader.core.settings import Settings
from grader.execute.data import load_images
from grader.execute.fetch import fetch
from grader.pipeline.classroom.grade_class import Graded, grade_class, workers_for
from grader.pipeline.plan.rubrics import find, load
from grader.pipeline.stages.request import Request
from grader.render.escape import plain
from grader.render.terminal import class_lines
from grader.sandbox.choose import try_bubblewrap
from grader.schedule.local import LocalProcesses

ROOT = Path(__file__).resolve().parents[1]
TRAINED = ("perfect",)
"""Whose network is trained again: it is the one for which a training must come out right."""
TELLING = (
    "RT601",
    "WB201",
    "NN404",
    "BP101",
    "RD701",
    "WB203",
    "NN401",
    "LR302",
    "NN402",
    "NN403",
    "IN801",
    "TR501",
    "AR001",
)
"""Checks in whose order findings are shown; what a person would hardly have seen by eye stands first."""
SHOWN = 6
TEXT = 420
"""Characters of one finding; the page has the rest."""
INDENT = " " * 11


def main(words: Iterable[str] = ()) -> int:
    """Grade submissions/ into reports/; the exit status is 0 unless grader itself failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="train every network of the class again")
    parser.add_argument("--light", action="store_true", help="run and train nothing")
    options = parser.parse_args(list(words))
    begin = time.monotonic()
    trial = try_bubblewrap()
    missing = "" if options.light else mnist_or_why_not()
    not_done = list(left_out(light=options.light, missing=missing, weak="" if trial.works else trial.reason))
    say_what_runs(options, isolated=trial.works, missing=missing)
    graded = grade(options, isolated=trial.works, missing=missing)
    if graded.left:
        not_done.insert(
            0,
            f"The networks of {graded.left} submissions were not trained again: `make demo "
            "ALL=1` goes on with them.",
        )
    show(graded, not_done, time.monotonic() - begin)
    ours = any(m.verdict is Verdict.ERROR for r in graded.reports for m in r.outcomes)
    return 3 if ours else 0


def mnist_or_why_not() -> str:
    """Look for MNIST in the usual places, then fetch it into the cache; the empty text where it is there."""
    try:
        load_images(Settings())
    except Unavailable as fault:
        if fault.verdict is not Verdict.SKIPPED or os.environ.get("GRADER_DATA"):
            return fault.reason
    else:
        return ""
    print(
        "MNIST:     not on this machine; fetching it (11.6 MB, a minute at most) as `grader data fetch` does."
    )
    try:
        with listening(lambda text: print(f"{INDENT}{text}", flush=True)):
            fetch(user_cache() / "mnist")
    except Unavailable as fault:
        return fault.reason
    return ""


def say_what_runs(options: argparse.Namespace, *, isolated: bool, missing: str) -> None:
    """Print what is about to happen, before it takes its time."""
    if options.light:
        print(
            "Light:     READMEs, workbooks and what the notebooks have saved; nothing is "
            "run, nothing is trained."
        )
        return
    if isolated:
        print("Isolation: bubblewrap. The notebooks run inside the sandbox.")
    else:
        print(
            "Isolation: NONE on this machine. These are our own samples, so they run all the "
            "same; every page says so."
        )
    if missing:
        print("MNIST:     not here, so nothing is trained again.")
    elif options.all:
        print(
            "MNIST:     found; every network is trained again until the answer is certain. That takes "
            "half an hour and more."
        )
    else:
        names = " and ".join(TRAINED)
        print(
            f"MNIST:     found; the network of `{names}` is trained again until an epoch decides: "
            "about three minutes."
        )


def left_out(*, light: bool, missing: str, weak: str) -> Iterator[str]:
    """What is not done here, each with what does it."""
    if light:
        yield (
            "No notebook was run and no network was looked at or trained: `make demo` does that "
            "(it installs torch)."
        )
        return
    if weak:
        yield (
            f"The notebooks were not isolated: {weak}. `make demo SANDBOX=1` installs bubblewrap; "
            "`grader doctor` says more."
        )
    if missing:
        yield f"Nothing was trained again: {missing}."
    yield (
        "No notebook was run whole: `grader reproduce submissions/perfect` does that, in minutes to an hour."
    )


def grade(options: argparse.Namespace, *, isolated: bool, missing: str) -> Graded:
    """Grade the class, with a line an epoch of whatever is trained."""
    out = ROOT / "reports"
    request = Request(
        path=ROOT / "submissions",
        loaded=load("default", catalogue()),
        rubric_bytes=find("default").read_bytes(),
        settings=Settings(
            execute=not options.light,
            unsafe_no_sandbox=not isolated,
            retrain=not options.light and not missing,
            cache=runs_folder(),
        ),
        out=out,
        store=out / ".grader" / "store.sqlite",
        train_only=() if options.all else TRAINED,
    )
    clear = "\r\x1b[2K" if sys.stderr.isatty() else ""  # the line that class_progress keeps there
    with class_progress() as progress, listening(lambda text: click.echo(clear + text, err=True)):
        return grade_class(request, LocalProcesses(workers_for(0)), progress)


def show(graded: Graded, not_done: list[str], seconds: float) -> None:
    """Print the class, the most telling findings, what was not done, and where the pages are."""
    print()
    print("\n".join(class_lines(graded.reports, unicode=unicode_wanted())))
    for name, reason in graded.refused.items():
        print(f"not graded: {plain(name)}: {plain(reason)}")
    found = telling(graded.reports)
    if found:
        print(f"\n{len(found)} of the findings:")
    for number, (report, marked) in enumerate(found, start=1):
        print(paragraph(f"  {number}. ", f"{report.submission.slug}: {in_words(marked)}"))
    if not_done:
        print("\nNot done:")
    for line in not_done:
        print(paragraph("  - ", line))
    page = graded.page.resolve()
    print(f"\nThe class   {page.as_uri()}")
    if found:
        print(f"One student {(page.parent / found[0][0].submission.slug / 'index.html').as_uri()}")
    print(f"{len(graded.reports)} submissions in {seconds:.0f} s")


def telling(reports: Iterable[Report]) -> list[tuple[Report, Marked]]:
    """The findings worth showing first: one a submission, each of another check as long as there are such.

    Of a check, a submission that has little else to show goes before one that has, and among equals the one
    that lost more.
    """
    by_check: dict[str, list[tuple[int, float, str, Report, Marked]]] = {}
    for report in reports:
        checks = sum(1 for m in report.outcomes if m.verdict is not Verdict.PASS or is_news(m))
        for marked in report.outcomes:
            if is_news(marked):
                entry = (checks, marked.points - marked.max_points, report.submission.slug, report, marked)
                by_check.setdefault(marked.code, []).append(entry)
    chosen: dict[str, tuple[Report, Marked]] = {}
    order = sorted(
        by_check, key=lambda code: (TELLING.index(code) if code in TELLING else len(TELLING), code)
    )
    for most in (1, SHOWN):
        for code in order:
            taken = sum(1 for _, marked in chosen.values() if marked.code == code)
            for _, _, slug, report, marked in sorted(by_check[code], key=lambda entry: entry[:3]):
                if len(chosen) < SHOWN and taken < most and slug not in chosen:
                    chosen[slug] = (report, marked)
                    taken += 1
    return sorted(chosen.values(), key=lambda pair: order.index(pair[1].code))


def is_news(marked: Marked) -> bool:
    """Whether an outcome tells something: a fault, a known mistake that the rubric only notes, a training
    that came out right.
    """
    if marked.verdict in (Verdict.FAIL, Verdict.PARTIAL):
        return bool(marked.findings)
    noted = any(f.diagnosis == "inherited-class-error" for f in marked.findings)
    return marked.verdict is Verdict.PASS and (noted or marked.code == "RT601")


def in_words(marked: Marked) -> str:
    """What was found, where, and what to do about it."""
    text = plain(marked.summary)
    if marked.code == "RT601":
        text = f"trained again by grader, from fresh weights: {text}"
    for finding in marked.findings[:1] if marked.code != "RT601" else ():
        message, hint = plain(finding.message), plain(finding.hint)
        place = "" if finding.place is None else f" ({plain(str(finding.place))})"
        text += "" if message in text else f". {message[:1].upper()}{message[1:]}{place}"
        text += f". {hint[:1].upper()}{hint[1:]}" if hint else ""
    short = textwrap.shorten(text, TEXT, placeholder=" …")
    return short if short.endswith((".", "…")) else f"{short}."


def paragraph(first: str, text: str) -> str:
    """Lines of at most 100 columns, indented below `first`; what a narrow terminal cannot show is escaped
    later.
    """
    return textwrap.fill(
        text,
        100,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    )


if __name__ == "__main__":
    speak_unicode()
    sys.exit(main(sys.argv[1:]))

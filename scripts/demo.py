"""What `make demo` runs: grades the sample class and says, in plain words, what was and was not done here."""

import sys
import time
from pathlib import Path

from grader.checks.catalogue import catalogue
from grader.cli.output import progress_line
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.execute.data import find_mnist
from grader.pipeline.batch import grade_class
from grader.pipeline.rubrics import load
from grader.render.terminal import class_lines
from grader.sandbox.choose import isolation_available

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Grade submissions/ into reports/; the exit status is 0 unless grader itself failed."""
    begin = time.monotonic()
    isolated = isolation_available()
    data = find_mnist("")
    if isolated:
        print("Isolation: bubblewrap. The notebooks run inside the sandbox.")
    else:
        print("Isolation: NONE on this machine. These are our own samples, so they run unisolated; every page says so.")
        print("           `make demo SANDBOX=1` installs bubblewrap where it may; `grader doctor` says what is missing.")
    if data is None:
        print("MNIST:     not found, so nothing is trained again; set GRADER_DATA to a folder with the four IDX files.")
    else:
        print("MNIST:     found; networks that could reach 99.4 % are trained again. This takes minutes on a CPU.")
    rules = catalogue()
    settings = Settings(unsafe_no_sandbox=not isolated, retrain=data is not None, data=data or "")
    with progress_line(enabled=True) as progress:
        graded = grade_class(
            ROOT / "submissions", load("default", rules), rules, settings, out=ROOT / "reports", progress=progress
        )
    print()
    for line in class_lines(graded.reports):
        print(line)
    for name, reason in graded.refused:
        print(f"not graded: {name}: {reason}")
    print(f"\n{len(graded.reports)} submissions in {time.monotonic() - begin:.0f} s")
    print(f"class page   {graded.page}")
    print(f"one student  {ROOT / 'reports' / 'perfect' / 'index.html'}")
    ours = any(m.verdict is Verdict.ERROR for r in graded.reports for m in r.outcomes)
    return 3 if ours else 0


if __name__ == "__main__":
    sys.exit(main())

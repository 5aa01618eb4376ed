"""What `make demo` runs: grades the sample class and says, in plain words, what was and was not done here."""

import sys
import time
from pathlib import Path

from grader.checks.catalogue import catalogue
from grader.cli.class_output import class_progress, echo_class
from grader.cli.options import runs_folder
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.execute.data import load_mnist
from grader.pipeline.batch import Request, grade_class, workers_for
from grader.pipeline.rubrics import find, load
from grader.sandbox.choose import try_bubblewrap
from grader.schedule.local import LocalProcesses

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Grade submissions/ into reports/; the exit status is 0 unless grader itself failed."""
    begin = time.monotonic()
    isolated = try_bubblewrap().works
    try:
        load_mnist(Settings())
        missing = ""
    except Unavailable as fault:
        missing = fault.reason
    if isolated:
        print("Isolation: bubblewrap. The notebooks run inside the sandbox.")
    else:
        print(
            "Isolation: NONE on this machine. These are our own samples, so they run unisolated; every page says so."
        )
        print(
            "           `make demo SANDBOX=1` installs bubblewrap where it may; `grader doctor` says what is missing."
        )
    if missing:
        print(f"MNIST:     nothing is trained again: {missing}")
        print(
            "           Set GRADER_DATA to a folder with the four IDX files to train what the notebooks define."
        )
    else:
        print(
            "MNIST:     found; networks are trained again until the answer is certain. That takes minutes on a CPU."
        )
    out = ROOT / "reports"
    request = Request(
        path=ROOT / "submissions",
        loaded=load("default", catalogue()),
        rubric_bytes=find("default").read_bytes(),
        settings=Settings(unsafe_no_sandbox=not isolated, retrain=not missing, cache=runs_folder()),
        out=out,
        store=out / ".grader" / "store.sqlite",
    )
    with class_progress() as progress:
        graded = grade_class(request, LocalProcesses(workers_for(0)), progress)
    print()
    echo_class(graded, request.path)
    print(f"one student {out / 'perfect' / 'index.html'}")
    print(f"{len(graded.reports)} submissions in {time.monotonic() - begin:.0f} s")
    ours = any(m.verdict is Verdict.ERROR for r in graded.reports for m in r.outcomes)
    return 3 if ours else 0


if __name__ == "__main__":
    sys.exit(main())

"""The other graders in a virtual environment that is thrown away afterwards, and what each costs for a class.

It sees torch of the environment that runs this, and gets nbgrader, otter-grader and a kernel from the package
index; nothing of them enters our own. Where torchvision cannot be imported beside this torch (its operators were
built for another), the environment declares what is missing, as our sandbox does for a student's notebook.
"""

import contextlib
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import batch
from process_tree import Cost, run

WANTED = ("nbgrader==0.9.6", "otter-grader==7.0.0", "ipykernel")
OPERATORS = Path(__file__).resolve().parents[1] / "grader" / "sandbox" / "worker" / "torchvision_ops.py"
INSTALLING = 600.0
"""Seconds that the package index may take."""
HOOK = """
import importlib.abc, importlib.util, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            spec = importlib.util.spec_from_file_location("torchvision_ops", {module!r})
            sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)  # kept, and its operators with it
            spec.loader.exec_module(module)
            module.declare()
sys.meta_path.insert(0, Missing())
"""
"""Declares the operators before torchvision is first looked for, and keeps them: a kernel collects garbage in the
middle of the import, and operators that nobody holds are gone with it.
"""


class Unavailable(Exception):
    """Another grader cannot be run here; the message says why."""


def installed(folder: Path) -> Path:
    """The `bin` of an environment in `folder` that has nbgrader, otter and nbclient, made where there is none.

    Raises Unavailable.
    """
    programs = folder / "bin"
    if (programs / "otter").exists():
        return programs
    venv.create(folder, with_pip=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "base.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    command = [programs / "python", "-m", "pip", "install", "--disable-pip-version-check", "-q", *WANTED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALLING)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"the package index gave no answer in {INSTALLING:.0f} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"{', '.join(WANTED)} cannot be installed: {last}")
    if not imports_torchvision(programs):
        (packages / "missing_operators.py").write_text(HOOK.format(module=str(OPERATORS)), encoding="utf-8")
        (packages / "missing_operators.pth").write_text("import missing_operators\n", encoding="utf-8")
    return programs


def imports_torchvision(programs: Path) -> bool:
    """Whether a notebook there can import torchvision."""
    command = [programs / "python", "-P", "-c", "import torchvision"]
    return subprocess.run(command, capture_output=True, check=False, timeout=300).returncode == 0


Scores = Mapping[str, float]
"""What each of the class has earned: who runs a notebook to its end gives it."""


def nbclient(programs: Path, root: Path, _earned: Scores) -> Cost:
    """Execute the notebooks with nbclient alone, one after the other, each in a kernel of its own."""
    notebooks = sorted(map(str, (root / "class").rglob("*.ipynb")))
    with _where_templates_are():
        done = run([str(programs / "python"), "-c", "from nbclient.cli import main; main()", *notebooks])
    return _whole("nbclient", done)


def nbgrader(programs: Path, root: Path, earned: Scores) -> Cost:
    """Autograde the class and write a page of feedback for everybody."""
    program = programs / "nbgrader"
    with _where_templates_are():
        graded, answers = batch.nbgrader(program, root)
        drawn = run([str(program), "generate_feedback", "ps1"], cwd=root / "nbgrader", limit=batch.PER_PASS)
    right("nbgrader", answers, earned)
    pages = len(list((root / "nbgrader" / "feedback").rglob("*.html")))
    if pages < len(answers):
        raise Unavailable(f"nbgrader wrote {pages} pages of feedback for {len(answers)}")
    peak = max(graded.peak_mib, drawn.peak_mib)
    return _whole("nbgrader", drawn)._replace(cpu=graded.cpu + drawn.cpu, peak_mib=peak)


def otter(programs: Path, root: Path, earned: Scores) -> Cost:
    """Run otter over the class, one call a notebook."""
    with _where_templates_are():
        cost, answers = batch.otter(programs / "otter", root)
    right("otter", answers, earned)
    return _whole("otter", cost)


COSTS: dict[str, Callable[[Path, Path, Scores], Cost]] = {
    "nbclient": nbclient,
    "nbgrader": nbgrader,
    "otter": otter,
}
"""What each costs for the class under a folder."""


def right(name: str, answers: Mapping[str, batch.Answer], earned: Scores) -> None:
    """Refuse the cost of a run that did not come to the scores that were earned: it did not run everything."""
    wrong = [who for who, score in earned.items() if answers.get(who, batch.Answer()).score != score]
    if wrong:
        answer = answers.get(wrong[0], batch.Answer())
        raise Unavailable(
            f"{name} scored {len(wrong)} of {len(earned)} otherwise: {answer.reason or answer.score}"
        )


def _whole(name: str, cost: Cost) -> Cost:
    """The cost of a command that did what it was asked."""
    if cost.status or cost.late:
        last = (cost.output.strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(f"{name} ended with {cost.status}: {last}")
    return cost


@contextlib.contextmanager
def _where_templates_are() -> Iterator[None]:
    """Nbconvert comes from our environment, and looks for its templates beside the Python that runs."""
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))
    try:
        yield
    finally:
        os.environ.pop("JUPYTER_PATH")
        if before is not None:
            os.environ["JUPYTER_PATH"] = before


if __name__ == "__main__":
    print(installed(Path(sys.argv[1])))

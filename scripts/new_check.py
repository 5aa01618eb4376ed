"""Lays down a new check: its file, its golden cases and its page.

    python scripts/new_check.py RD712 headings "The README is divided by headings."

The check begins as a preview that answers `unknown`, so only its golden `unknown.toml` holds. The other three
say in a comment what they must show; they fail until the check is written.
"""

import re
import sys
from pathlib import Path

from grader.checks.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = {
    "AR": "artefacts",
    "BP": "backprop",
    "WB": "workbook",
    "LR": "sweep",
    "NN": "network",
    "TR": "training",
    "RT": "retrain",
    "RD": "readme",
    "IN": "integrity",
}

CHECK = '''"""{title}

## What it checks
Which fact of the submission is compared with what, and where the limit comes from.

## Why it matters
What a student or an instructor loses where this does not hold.

## Example
    the smallest input that fails

## What to do instead
    the same input, mended
"""

from grader.core.outcome import Outcome, unknown
from grader.core.rule import Rule, Status
from grader.core.submission import Submission


def check(submission: Submission) -> Outcome:
    """Judge what was read; open nothing, ask no clock. The parameters' types name what is needed."""
    return unknown(f"{code} does not judge the {{len(submission.artefacts)}} files yet")


rule = Rule(code="{code}", name="{name}", check=check, status=Status.PREVIEW)
'''

GOLDENS = {
    "pass": "an honest submission that holds what the check asks for",
    "fail": "the smallest submission that does not; add diagnoses or places to [expect]",
    "unknown": "a submission that only a person can decide",
    "near_miss": "what looks like the fault and is none: the check must not fire",
}
VERDICT = {"near_miss": "pass"}


def lay_down(root: Path, code: str, name: str, title: str) -> list[Path]:
    """Write the files of a new check below `root` and return their paths.

    Raises ValueError where the code, name or title is malformed, or something of that name is there already.
    """
    family = FAMILIES.get(code[:2])
    if family is None or not re.fullmatch(r"[A-Z]{2}\d{3}", code):
        raise ValueError(f"{code}: a code is one of {', '.join(FAMILIES)} and three digits, as RD712")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"{name}: a name is lower-case words joined by '-', as readme-headings")
    if not title.endswith("."):
        raise ValueError(
            f"{title!r}: the title is a sentence that holds where the check passes, with a full stop"
        )
    module = name.replace("-", "_")
    folder = root / "tests" / "checks" / family / module
    texts = {
        root / "grader" / "checks" / family / f"{module}.py": CHECK.format(code=code, name=name, title=title)
    }
    for kind, what in GOLDENS.items():
        verdict = VERDICT.get(kind, kind)
        texts[folder / f"{kind}.toml"] = (
            f'# {what}\n[files]\n"README.md" = "# Part 1\\n"\n\n[expect]\nverdict = "{verdict}"\n'
        )
    there = [p for p in texts if p.exists()]
    if there:
        raise ValueError(f"{there[0].relative_to(root)} is there already: choose another name")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def main(arguments: list[str]) -> int:
    """Lay the check down in this checkout and say what comes next."""
    if len(arguments) != 3:
        print(__doc__)
        return 2
    code, name, title = arguments
    taken = catalogue().get(code)
    try:
        if taken is not None:
            raise ValueError(f"{code} is {taken.name} already; `grader rules` lists the codes")
        written = lay_down(ROOT, code, name, title)
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    for path in written:
        print(path.relative_to(ROOT))
    print(
        f"\nnext: write the check and its goldens, then\n"
        f"  .venv/bin/pytest -q tests/checks -k {code}\n"
        f"  .venv/bin/python scripts/make_docs.py"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

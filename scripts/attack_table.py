"""The table of attacks in docs/explanation/trust-boundary.md, from the index and a run of its tests.

    .venv/bin/python scripts/attack_table.py --run       # runs them, and writes the table
    .venv/bin/python scripts/attack_table.py JUNIT.xml   # from a run that was kept

An attack held where each of its tests passed. What a sandbox holds is tried as whoever runs the tests and as
a plain user: run this as root, so that both are there. Ends with 1 where an attack did not hold or was not
tried.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.attacks.index import Attack, attacks  # noqa: E402  (found from the root)

PAGE = ROOT / "docs" / "explanation" / "trust-boundary.md"
BEGIN, END = "<!-- attacks: scripts/attack_table.py -->", "<!-- end of attacks -->"
PLAIN = "plain user"


class Case(NamedTuple):
    """One test that ran; `plain` where it ran as a plain user."""

    plain: bool
    passed: bool


def cases(junit: Iterable[Path]) -> Mapping[str, list[Case]]:
    """Return what ran, by `path::test`; a test that was skipped did not run."""
    found: dict[str, list[Case]] = defaultdict(list)
    roots = [ET.parse(path) for path in junit]  # noqa: S314 - pytest wrote them a moment ago
    for case in (case for root in roots for case in root.iter("testcase")):
        name, _, parameters = case.attrib["name"].partition("[")
        test = f"{case.attrib['classname'].replace('.', '/')}.py::{name}"
        if case.find("skipped") is None:
            bad = case.find("failure") is not None or case.find("error") is not None
            found[test].append(Case(PLAIN in parameters or "plain_user" in test, not bad))
    return found


def held(attack: Attack, ran: Mapping[str, list[Case]], *, plain: bool) -> bool | None:
    """Return whether an attack held; None where nothing of it was tried with these rights."""
    each = [[case for case in ran.get(test, ()) if case.plain is plain] for test in attack.tests]
    tried = [case.passed for found in each for case in found]
    return all(tried) if tried else None


def table(listed: Iterable[Attack], ran: Mapping[str, list[Case]]) -> tuple[str, list[str]]:
    """Return the table, and what did not hold or was not tried."""
    rows, open_ = [], []
    families: dict[str, list[Attack]] = defaultdict(list)
    for attack in listed:
        families[attack.family].append(attack)
    sums = [0, 0, 0, 0, 0]
    for family, members in families.items():
        as_root = [held(a, ran, plain=False) for a in members]
        as_plain = [held(a, ran, plain=True) for a in members if a.isolation]
        open_ += [f"{a.id}: {a.tries}" for a, good in zip(members, as_root, strict=True) if good is False]
        open_ += [
            f"{a.id}: not tried"
            for a, good in zip(members, as_root, strict=True)
            if good is None and a.tests and a.users != PLAIN
        ]
        open_ += [
            f"{a.id}: not held or not tried as a plain user"
            for a in members
            if PLAIN in a.users and not held(a, ran, plain=True)
        ]
        tried = [g for g in as_root if g is not None]
        tried_plain = [g for g in as_plain if g is not None]
        numbers = [len(members), len(tried), sum(tried), len(tried_plain), sum(tried_plain)]
        sums = [a + b for a, b in zip(sums, numbers, strict=True)]
        rows.append(_row(family, numbers, isolation=bool(as_plain)))
    head = "| family | attacks | tried | held | tried as a plain user | held |\n|---|---|---|---|---|---|\n"
    return head + "\n".join((*rows, _row("**all**", sums, isolation=True))) + "\n", open_


def _row(name: str, numbers: list[int], *, isolation: bool) -> str:
    cells = [str(n) for n in numbers[:3]] + ([str(n) for n in numbers[3:]] if isolation else ["–", "–"])
    return f"| {name} | {' | '.join(cells)} |"


def run(listed: Iterable[Attack], junit: Path) -> None:
    """Run the tests that the index names."""
    names = sorted({test for attack in listed for test in attack.tests})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}", *names]
    subprocess.run(command, cwd=ROOT, check=False)


def main() -> int:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("junit", nargs="*", type=Path, help="XML of one run or of several")
    parser.add_argument("--run", action="store_true", help="run the tests first")
    given = parser.parse_args()
    if not given.junit and not given.run:
        parser.error("give the XML of a run, or --run")
    listed = attacks()
    with tempfile.TemporaryDirectory() as folder:
        junit = list(given.junit)
        if given.run:
            junit.append(Path(folder) / "junit.xml")
            run(listed, junit[-1])
        made, open_ = table(listed, cases(junit))
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{made}{END}{after}", "utf-8")
    print(made)
    for line in open_:
        print(line)
    return int(bool(open_))


if __name__ == "__main__":
    sys.exit(main())

"""Every measurement stands on the page that says what it measures, and starts by its name."""

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import names

ROOT = Path(__file__).parents[2]


def test_the_page_names_every_measurement_and_no_other() -> None:
    """Of 28 scripts 19 were named in no page, test or target: nobody could tell which still ran."""
    page = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) | set(re.findall(r"\(`(\w+)`", page))
    helpers = {"formula_mutants", "broken_hand_ins", "given_probes", "process_tree"}
    assert helpers <= set(re.findall(r"`(\w+)`", page))
    assert (told | helpers) & set(names()) == set(names())
    assert told <= set(names())
    assert all(line.endswith((".", ":", "`.")) or "`" in line for line in names().values())


def test_one_command_lists_them_and_refuses_an_unknown_name() -> None:
    command = [sys.executable, "-m", "benchmarks"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(names())
    assert (
        subprocess.run(
            [*command, "nothing"], cwd=ROOT, capture_output=True, check=False, timeout=60
        ).returncode
        == 2
    )


def test_one_command_starts_a_measurement_with_its_arguments(tmp_path: Path) -> None:
    words = ["make_class", "--size", "6", "--seed", "1", "--out", str(tmp_path / "class")]
    subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=ROOT, check=True, capture_output=True, timeout=120
    )
    assert len([p for p in (tmp_path / "class").iterdir() if p.is_dir() or p.suffix == ".zip"]) >= 6
    whole = [
        p.read_bytes() for p in (tmp_path / "class").rglob("*") if p.suffix in (".md", ".ipynb", ".xlsx")
    ]
    assert len(set(whole)) == len(whole) > 8, "no two hand-ins share a file"

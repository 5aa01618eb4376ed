"""Hostile and broken hand-ins from a folder that somebody else made, laid out as `broken_hand_ins` lays out its
own.

The folder holds two scripts: `make_fixtures.py ROOT SIZE` writes the assignment (tests for otter, a source
notebook for nbgrader), `make_probes.py ROOT` the hand-ins, plain and for nbgrader. Their bytes stay as they are.
The tests ask for two functions and a network; grader is asked for the network alone, since no criterion of it
knows the functions, and its three questions are those of `broken_hand_ins`.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from broken_hand_ins import RUBRIC

_ALL = (3.0,)
_NONE = (0.0,)
_SOME = (0.0, 1.0, 2.0, 3.0)
"""A function is missing where a cell never ends; the cells after it may run, and hold the network."""

HONEST: Mapping[str, tuple[float, ...]] = {
    "infinite_loop": _SOME,
    "sleep_ignore_interrupt": _SOME,
    "kernel_exit": (0.0, 1.0, 2.0),
    "print_100MB": _ALL,
    "display_loop": _ALL,
    "tamper_assert_transformer": _NONE,
    "tamper_otter_checker": _NONE,
    "tamper_eq_any": _NONE,
    "leak_hidden_pre_run": _NONE,
    "leak_hidden_files": _NONE,
    "xss_output": _ALL,
    "network_call": _ALL,
    "bad_utf8_bom": _ALL,
    "bad_utf16": _ALL,
    "bad_latin1": _ALL,
    "bad_duplicate_ids": _ALL,
    "bad_copied_cell": _ALL,
    "bad_unknown_kernel": _ALL,
    "bad_truncated_json": _NONE,
    "bad_empty_file": _NONE,
    "zz_good": _ALL,
}


def lay_out(given: Path, python: Path, root: Path) -> None:
    """Run both scripts with a Python that has nbformat and put what they write where each grader looks.

    Raises:
        ValueError: the scripts write other hand-ins than those whose honest scores stand here.

    """
    made = root / "made"
    made.mkdir(parents=True)
    for script, *arguments in (("make_fixtures.py", made / "fx", 1), ("make_probes.py", made)):
        subprocess.run([python, given / script, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    names = {path.stem for path in (made / "probes").glob("*.ipynb")}
    if names != HONEST.keys():
        different = ", ".join(sorted(names ^ HONEST.keys()))
        raise ValueError(f"no honest score is known of, or no hand-in was written for: {different}")
    for name in names:
        folder = root / "class" / name
        folder.mkdir(parents=True)
        shutil.copy(made / "probes" / f"{name}.ipynb", folder / "S4.ipynb")
    (root / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    shutil.copytree(made / "fx" / "otter", root / "otter")
    shutil.copytree(made / "nbg_probes", root / "nbgrader")
    shutil.copytree(made / "fx" / "nbg" / "source", root / "nbgrader" / "source")
    shutil.copy(made / "fx" / "nbg" / "nbgrader_config.py", root / "nbgrader")

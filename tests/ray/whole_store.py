"""What two runs of a class must have in common: every row but its times, and every page but the one with them."""

import hashlib
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parents[2]


def content(out: Path) -> dict[str, str]:
    """Digest of every row of the store and of every result, as the benchmark of crashes compares them."""
    import sys

    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        found = runpy.run_path(str(ROOT / "benchmarks" / "crash.py"))["content"]
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return cast("Callable[[Path], dict[str, str]]", found)(out)


def pages(out: Path) -> dict[str, str]:
    """Digest of every file that a student or an instructor opens."""
    files = (p for p in out.rglob("*") if p.is_file() and ".grader" not in p.parts)
    return {
        p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
        if p != out / "index.html"  # seconds stand there
    }

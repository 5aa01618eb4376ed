"""Writes what people open: a page and a result.json a submission, and the page of the class.

`OUT/<slug>/` is the student's view alone; what only instructors may see is in `OUT/index.html` and `OUT/_class/`.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.faults import UsageFault
from grader.core.report import Report


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files of one report are."""

    page: Path
    result: Path


def publish(report: Report, products: Mapping[str, Evidence | Fact], out: Path) -> Written:
    """Write the page and result.json of one submission under `out`; UsageFault where that folder cannot be written."""
    from grader.render.adapt import pictures_of
    from grader.render.result_json import encode
    from grader.render.student_page import render

    folder = out / report.submission.slug
    page = render(report, pictures_of(products))
    return Written(
        page=write(folder / "index.html", page.encode("utf-8")),
        result=write(folder / "result.json", encode(report)),
    )


def publish_class(reports: Sequence[Report], out: Path) -> Path:
    """Write the page of the class under `out`."""
    from grader.render.class_page import render, rows_from

    return write(out / "index.html", render(rows_from(reports)).encode("utf-8"))


def write(path: Path, data: bytes) -> Path:
    """Write a file in one step, so that a kill leaves the old one or the new one, never half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise UsageFault(
            f"{path}: cannot be written ({fault.strerror}); choose another folder with -o"
        ) from fault
    return path

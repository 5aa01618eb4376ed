"""The command line inside the process of the test: Python with our imports takes half a second to start, a
command often less.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from grader.cli.app import main

ROOT = Path(__file__).parents[1]


def grader(
    *arguments: object, cwd: Path = ROOT, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `grader ARGUMENTS` as a shell does, from `main` on: its exit status, and what it wrote to stdout
    and stderr.

    Start a process instead only where one is what is tested: encodings, terminals, signals, broken pipes, an
    installed wheel.
    """
    words = [*map(str, arguments)]
    status = 0
    with (
        CliRunner().isolation(input=stdin, env=environment) as (out, err, _),
        contextlib.chdir(cwd),
        mock.patch.object(sys, "argv", ["grader", *words]),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        sys.stdout.flush()
        sys.stderr.flush()
        said = [stream.getvalue().decode("utf-8").replace(os.linesep, "\n") for stream in (out, err)]
    return subprocess.CompletedProcess(words, status, *said)

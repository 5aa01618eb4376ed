"""What a fork that reads a file would import or compile for itself alone: nothing, for the process that forks
has read one of ours.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PERFECT = Path(__file__).resolve().parents[2] / "submissions" / "perfect"
_SCRIPT = """
import json, re, sys
from pathlib import Path
import msgspec
from grader.sandbox.reader_server import load

target, path = sys.argv[1:]
reader = load(target)
data = Path(path).read_bytes()
given = {"child:read": (data, path), "packages:look": (data,)}[target.rpartition(".")[2]]
modules, made, compiled = set(sys.modules), [], re._compiler.compile

def seen(pattern, flags=0):
    made.append(str(pattern))
    return compiled(pattern, flags)

re._compiler.compile = seen
found = msgspec.to_builtins(reader.call(*given))
print(json.dumps([sorted(set(sys.modules) - modules), made, bool(found.get("tables") or found.get("marks"))]))
"""


@pytest.mark.parametrize("target", ["grader.extract.workbook.child:read", "grader.ingest.packages:look"])
def test_a_fork_finds_all_that_it_needs_for_a_workbook_at_hand(target: str) -> None:
    (book,) = PERFECT.glob("*.xlsx")
    said = subprocess.run(
        [sys.executable, "-c", _SCRIPT, target, str(book)], capture_output=True, text=True, check=True
    )
    modules, patterns, read = json.loads(said.stdout)
    assert read
    assert (modules, patterns) == ([], [])

"""Golden files of what feeds the templates. `GRADER_UPDATE_GOLDENS=1` writes them anew; read the diff before
you commit it.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "goldens"


def assert_golden(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("GRADER_UPDATE_GOLDENS") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs; GRADER_UPDATE_GOLDENS=1 writes it anew"

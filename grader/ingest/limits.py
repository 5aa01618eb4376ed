"""What we are willing to read, with the measurement or reason behind each number."""

MAX_FILES = 3_000
"""Files in one submission; the largest real repository of the survey holds a few hundred."""

MAX_FILE_BYTES = 50 * 2**20
"""One file; the largest real notebook is 219 kB, the largest workbook 1.9 MB."""

MAX_NAMED = 100
"""Files beyond a limit that are still named, so that none of them is told as not handed in."""

MAX_MODULES = 200
"""Python files beside a single notebook that are given to it."""

MAX_MODULE_BYTES = 2**20

MAX_TOTAL_BYTES = 300 * 2**20
"""All files of one submission, unpacked."""

MAX_FOLDERS = 40
"""Folders within one another; the deepest real repository of the survey has 6."""

MAX_RATIO = 200
"""Unpacked over packed size of one zip member beyond `RATIO_FROM_BYTES`: text reaches 20, a bomb 1,000."""

RATIO_FROM_BYTES = 20 * 2**20

SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".ipynb_checkpoints",
        "node_modules",
        ".venv",
        "venv",
        "__MACOSX",
        ".idea",
    }
)
"""Folders that hold nothing a student hands in."""

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

MAX_PICTURES = 200
"""Files of a zip of pictures that is a part of a hand-in, photos of a derivation say; more are a data set."""

MAX_CLASS_FILES = 200_000
"""Files in the zip of a class: a thousand students with two hundred each."""

MAX_CLASS_BYTES = 20 * 2**30
"""The zip of a class, unpacked; one of three hundred students with notebooks is below 1 GB."""

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
        ".grader",
    }
)
"""Folders that hold nothing a student hands in."""

JUNK_FILES = frozenset({".DS_Store", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".localized", "Icon\r"})
"""Files that an operating system leaves in every folder."""

REPORT_MARKER = ".grader-report"
"""The file that tells a folder of pages as written by grader, wherever somebody lets it write them."""

"""Compiled templates, kept as Python keeps bytecode: compiling them took 0.35 CPU seconds in the process that
draws the reports of a class, and 0.1 in the one that draws files.

What jinja folds into a template follows from its text and from code of ours: labels of the catalogues,
filters and `finalize` of what is constant. So it is kept under the digest of all templates and of the modules
that the environment is made of, under jinja's version and for one interpreter; the file of a template is
written anew where any of them differs.
"""

from pathlib import Path
from typing import Final

from jinja2.bccache import Bucket, BytecodeCache

from grader.core import kept_file
from grader.core.installed import version
from grader.core.machine import user_cache
from grader.core.memory import code_of, key

FOLDED: Final = ("grader.render", "grader.core")
"""Where the code stands whose values a template may hold."""


def kept_templates() -> BytecodeCache | None:
    """Return the cache of this user; None for a user without a home."""
    try:
        return KeptTemplates(user_cache() / "templates")
    except RuntimeError:
        return None


class KeptTemplates(BytecodeCache):
    """A file a template of an installation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        packages = {name: version(name) for name in ("jinja2", "markupsafe")}
        self._made_by = key(code=code_of("grader.render.html", within=FOLDED), packages=packages)

    def get_source_checksum(self, source: str) -> str:
        """Return the digest of all that a compiled template follows from."""
        return key(source=source, made_by=self._made_by)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the template from its file, where that is of the same text and code."""
        kept = kept_file.read(self._file(bucket))
        if kept is not None and kept[0] == bucket.checksum:
            bucket.code = kept[1]

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled."""
        kept_file.write(self._file(bucket), (bucket.checksum, bucket.code))

    def _file(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}-{kept_file.INTERPRETER}.bin"

"""Names of report folders: safe on every file system, and never the same for two submissions."""

import hashlib
import re
import unicodedata

_RESERVED = frozenset(
    {
        "index.html",
        "con",
        "prn",
        "aux",
        "nul",
        *(f"com{n}" for n in range(10)),
        *(f"lpt{n}" for n in range(10)),
    }
)
"""The page of the class, which lies beside the folders, and what Windows takes for devices."""
_MAX = 60


def slug(name: str) -> str:
    """Return a folder name of [a-z0-9._-] for a submission id.

    Where anything had to be changed, six hex digits of the id's SHA-256 keep two ids apart: `Ann B` and
    `ann-b` stay two.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    safe = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:_MAX].strip("-._")
    if safe and safe == name and safe not in _RESERVED and not safe.startswith("_"):
        return safe
    tail = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{safe}-{tail}" if safe else f"submission-{tail}"

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
_MAX = 56
_TAIL = 12
"""Hex digits; six could be met by trying names for half a minute."""
_LIKE_OURS = re.compile(rf"-[0-9a-f]{{{_TAIL}}}$")
"""A name that ends as ours do: taken as it stands, it could be that of somebody whose id was changed."""


def slug(name: str) -> str:
    """Return a folder name of [a-z0-9._-] for a submission id.

    Where anything had to be changed, twelve hex digits of the id's SHA-256 keep two ids apart: `Ann B` and
    `ann-b` stay two, and nobody can choose a name whose page takes the place of another's.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    safe = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:_MAX].strip("-._")
    told_apart = safe not in _RESERVED and not safe.startswith("_") and not _LIKE_OURS.search(safe)
    if safe and safe == name and told_apart:
        return safe
    tail = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_TAIL]
    return f"{safe}-{tail}" if safe else f"submission-{tail}"

"""Submitted bytes by their hash: what was graded can be shown when a mark is disputed."""

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path


class Objects:
    """A folder of zlib files named by the SHA-256 of their content. Safe for several processes: files appear whole."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        """Store bytes and return their SHA-256; a second put of the same bytes writes nothing."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(zlib.compress(data, 6))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest

    def get(self, digest: str) -> bytes:
        """Return bytes by hash; KeyError where there are none, ValueError where they rotted."""
        try:
            data = zlib.decompress(self._path(digest).read_bytes())
        except FileNotFoundError:
            raise KeyError(digest) from None
        except zlib.error as fault:
            raise ValueError(f"object {digest} is damaged: {fault}") from fault
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"object {digest} is damaged: its content has another hash")
        return data

    def __iter__(self) -> Iterator[str]:
        """All hashes, sorted."""
        for path in sorted(self.root.glob("??/*")):
            if not path.name.startswith("."):
                yield path.parent.name + path.name

    def remove(self, digest: str) -> None:
        """Forget one object."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]

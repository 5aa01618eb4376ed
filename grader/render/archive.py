"""Zip archives of ours: the same files give the same bytes, whatever the clock says."""

import io
import zipfile
from collections.abc import Collection, Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can hold."""


def packed(files: Mapping[str, bytes], *, executable: Collection[str] = ()) -> bytes:
    """Return a zip of files by their paths, sorted; `executable` names those that a shell may start."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(files.items()):
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the permissions are read on every system
            info.external_attr = (0o100755 if path in executable else 0o100644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()

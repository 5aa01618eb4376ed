"""The parts of a package whose directory is lost, as an interrupted upload leaves it: read one after another
from the start.
"""

import struct
import zlib

_HEADER = struct.Struct("<4s5H3I2H")
_MAGIC = b"PK\x03\x04"
MAX_PARTS = 2_000
MAX_PART = 100_000_000
"""Bytes that one part may unpack to, and all of them together twice that."""


def salvaged(data: bytes) -> dict[str, bytes]:
    """Every part that can still be unpacked, the last one as far as it goes; nothing where the bytes are no
    package.
    """
    found: dict[str, bytes] = {}
    at, budget = 0, 2 * MAX_PART
    while data[at : at + 4] == _MAGIC and len(found) < MAX_PARTS and budget > 0:
        if at + _HEADER.size > len(data):
            break
        _, _, flags, method, _, _, _, packed, _, name_length, extra = _HEADER.unpack_from(data, at)
        start = at + _HEADER.size + name_length + extra
        name = data[at + _HEADER.size : at + _HEADER.size + name_length].decode("utf-8", "replace")
        if flags & 1 or method not in (0, 8) or start > len(data):
            break
        if method == 0:
            content, end = data[start : start + packed], start + packed
        else:
            content, end = _inflated(data, start, min(MAX_PART, budget))
        budget -= len(content)
        found[name] = content
        if flags & 8:  # sizes stand behind the part
            end = data.find(_MAGIC, end)
        if end < 0 or end <= at:
            break
        at = end
    return found


def _inflated(data: bytes, start: int, most: int) -> tuple[bytes, int]:
    """Unpack one part as far as it goes; and where it ends."""
    unpacker = zlib.decompressobj(-15)
    try:
        content = unpacker.decompress(data[start:], most)
    except zlib.error:
        return b"", len(data)
    return content, len(data) - len(unpacker.unused_data) if unpacker.eof else len(data)

"""Pictures that students saved, drawn again pixel by pixel: what reaches a page is our PNG, never their
bytes.

Only the decoders of PNG and JPEG are opened, after the size in the header was looked at; what else a file
carried (profiles, comments, a second format in its tail) is gone.
"""

import base64
from functools import lru_cache
from io import BytesIO
from typing import Final

import msgspec

PIXELS: Final = 16_000_000
"""Pixels of a picture that is decoded: 64 MB in memory."""
EDGE: Final = 1_000
"""Pixels of the longer edge on the page."""
BYTES: Final = 400_000
"""Of one picture as PNG; a plot of the usual size takes 20,000."""


class Raster(msgspec.Struct, frozen=True, kw_only=True):
    """A picture for a page; `problem` says why there is none."""

    uri: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""


@lru_cache(maxsize=64)
def redraw(data: bytes) -> Raster:
    """Return a picture of a student as a PNG of ours in a data URI. Never raises: a picture costs at most
    itself.
    """
    try:
        from PIL import Image
    except ImportError:
        return Raster(problem="this grader has no Pillow to draw it with")
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as opened:
            width, height = opened.size
            if width * height > PIXELS:
                return Raster(problem=f"{width:,} × {height:,} pixels are too many")
            opened.draft("RGB", (EDGE, EDGE))
            picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except Exception as wrong:  # whatever a hostile file does to a decoder, it is no picture
        return Raster(problem=f"it cannot be read ({type(wrong).__name__})")
    for edge in (EDGE, EDGE // 2, EDGE // 4):
        picture.thumbnail((edge, edge))
        picture.info = {}
        out = BytesIO()
        picture.save(out, "PNG")
        if out.tell() <= BYTES:
            uri = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
            return Raster(uri=uri, width=picture.width, height=picture.height)
    return Raster(problem="it is too large")

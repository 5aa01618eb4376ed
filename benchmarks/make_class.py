"""Makes a class of any size, no two hand-ins of which share a file, with a share of broken and hostile ones.

    python -m benchmarks make_class --size 200 --seed 1 --out /tmp/class

Texts and notebooks come from the sample class: formulas are spelled anew, logs have other numbers, each
notebook has a plot of its own. Workbooks are generated, in a layout of their own, right or with a fault.
Copies of eleven samples, which this made before, cost half: curves, pictures and formulas came from caches.
"""

import argparse
import base64
import json
import random
import re
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "submissions"
SIGNS = (" * ", "*", " · ", " × ", "·")
WORDS = (
    "I",
    "checked",
    "each",
    "sheet",
    "again",
    "because",
    "the",
    "loss",
    "fell",
    "slowly",
    "then",
    "fast",
    "here",
)
_RIGHT = re.compile(r"(\d{4,5})/(10000|60000) \((\d+\.\d+)%\)")
_LOSS = re.compile(r"(loss:? *)(\d\.\d{4})", re.IGNORECASE)


def _empty_folder(where: Path, rng: random.Random) -> None:
    where.mkdir()


def _broken_zip(where: Path, rng: random.Random) -> None:
    where.with_suffix(".zip").write_bytes(b"PK\x03\x04" + rng.randbytes(500))


def _zip_bomb(where: Path, rng: random.Random) -> None:
    with zipfile.ZipFile(where.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", "# w1")
        archive.writestr("book.xlsx", b"\0" * (60 * 2**20))


def _binary_everything(where: Path, rng: random.Random) -> None:
    where.mkdir()
    for name in ("README.md", "S4.ipynb", "book.xlsx"):
        (where / name).write_bytes(rng.randbytes(5_000))


def _endless_loop(where: Path, rng: random.Random) -> None:
    where.mkdir()
    source = "import torch\nwhile True:\n    pass\n"
    (where / "S4.ipynb").write_text(_notebook(source), encoding="utf-8")


def _dead_kernel(where: Path, rng: random.Random) -> None:
    where.mkdir()
    (where / "S4.ipynb").write_text(_notebook("import os\nos._exit(0)\n"), encoding="utf-8")


def _long_line(where: Path, rng: random.Random) -> None:
    where.mkdir()
    (where / "README.md").write_text("∂E/∂w5 = " + "(" * 50_000 + "a_o1" + ")" * 50_000, encoding="utf-8")


def _deep_json(where: Path, rng: random.Random) -> None:
    where.mkdir()
    (where / "S4.ipynb").write_text('{"cells":' + "[" * 100_000, encoding="utf-8")


BROKEN: tuple[Callable[[Path, random.Random], None], ...] = (
    _empty_folder,
    _broken_zip,
    _zip_bomb,
    _binary_everything,
    _endless_loop,
    _dead_kernel,
    _long_line,
    _deep_json,
)


def _notebook(source: str) -> str:
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def vary(where: Path, rng: random.Random) -> None:
    """Make the copy of a sample a hand-in of its own, file by file."""
    for path in sorted(where.rglob("*")):
        if path.suffix == ".md":
            path.write_bytes(_text(path.read_bytes(), rng))
        elif path.suffix == ".ipynb":
            path.write_bytes(_saved(path.read_bytes(), rng))
        elif path.suffix == ".xlsx":
            path.write_bytes(_workbook(rng))


def _text(data: bytes, rng: random.Random) -> bytes:
    """Spell the formulas of a README anew, and say something of one's own; the code page is kept."""
    sign, tight = rng.choice(SIGNS), rng.random() < 0.5
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data + f"\n{_words(rng)}\n".encode()
    lines = []
    for line in text.split("\n"):
        formula = "∂" in line and "|" not in line
        changed = line.replace(" * ", sign) if formula else line
        lines.append(changed.replace("(1 - ", "(1-") if formula and tight else changed)
        if not line and rng.random() < 0.1:
            lines += [_words(rng), ""]
    return "\n".join([*lines, _words(rng), ""]).encode("utf-8")


def _words(rng: random.Random) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(5, 30))) + "."


def _saved(data: bytes, rng: random.Random) -> bytes:
    """Give a notebook other numbers in its log, comments and a plot; one that is cut off ends earlier."""
    try:
        book = json.loads(data)
    except ValueError:
        return data[: len(data) - rng.randint(1, 400)]
    shift = rng.randint(-25, 25)

    def right(found: re.Match[str]) -> str:
        of = int(found[2])
        count = max(0, min(of, int(found[1]) + shift + rng.randint(-3, 3)))
        return f"{count}/{of} ({100 * count / of:.2f}%)"

    def loss(found: re.Match[str]) -> str:
        return f"{found[1]}{float(found[2]) * rng.uniform(0.8, 1.2):.4f}"

    for cell in book["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["source"] = ["".join(cell["source"]), f"\n# {_words(rng)}"]
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _LOSS.sub(loss, _RIGHT.sub(right, "".join(output["text"])))
    plot = {"image/png": base64.b64encode(_plot(rng)).decode(), "text/plain": "<Figure size 432x288>"}
    shown = {"output_type": "display_data", "data": plot, "metadata": {}}
    source = f"plt.plot(losses)  # {_words(rng)}"
    cell = {
        "cell_type": "code",
        "source": source,
        "outputs": [shown],
        "metadata": {},
        "execution_count": None,
    }
    book["cells"].append(cell)
    return json.dumps(book).encode()


def _plot(rng: random.Random, width: int = 432, height: int = 288) -> bytes:
    """A PNG of a falling curve."""
    level, heights = float(height), []
    for _ in range(width):
        level = max(4.0, level * rng.uniform(0.97, 1.01))
        heights.append(height - int(level))
    rows = b"".join(
        b"\0" + bytes(20 if abs(y - heights[x]) < 2 else 255 for x in range(width)) for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


def _workbook(rng: random.Random) -> bytes:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tests.generate.formulas import Defect
    from tests.generate.workbook import make, random_spec

    defect = Defect.NONE if rng.random() < 0.5 else None
    return make(random_spec(rng, defect=defect))[0]


def make_one(out: Path, number: int, seed: int, broken_share: float) -> str:
    """Write one submission under `out`, the same for the same number and seed; returns its kind."""
    rng = random.Random(f"{seed} {number}")
    where = out / f"s{number:04}"
    apart = round(1 / broken_share) if broken_share else 0
    if apart and number % apart == 0:
        make = BROKEN[number // apart % len(BROKEN)]
        make(where, rng)
        return make.__name__.strip("_")
    sample = rng.choice(
        sorted(p for p in SAMPLES.iterdir() if p.is_dir() and not p.name.startswith(("_", ".")))
    )
    shutil.copytree(sample, where)
    vary(where, rng)
    return sample.name


def make_class(out: Path, size: int, seed: int, broken_share: float = 0.1) -> dict[str, str]:
    """Write `size` submissions under `out`, a process a core; returns the kind of each by its id."""
    out.mkdir(parents=True)
    one = partial(make_one, out, seed=seed, broken_share=broken_share)
    with ProcessPoolExecutor() as pool:
        kinds = pool.map(one, range(size), chunksize=16)
        return {f"s{number:04}": kind for number, kind in enumerate(kinds)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", type=float, default=0.1, help="share of broken hand-ins")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    kinds = make_class(given.out, given.size, given.seed, given.broken)
    for kind in sorted(set(kinds.values())):
        print(f"{sum(k == kind for k in kinds.values()):4} {kind}")


if __name__ == "__main__":
    main()

"""Makes a class of any size out of the sample class, with a share of broken and hostile hand-ins among it.

    python benchmarks/make_class.py --size 200 --seed 1 --out /tmp/class

Every copy differs a little (a line in the README), so that nothing is served from a cache by accident.
"""

import argparse
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "submissions"


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


def make_class(out: Path, size: int, seed: int, broken_share: float = 0.1) -> dict[str, str]:
    """Write `size` submissions under `out`; returns the kind of each by its id."""
    rng = random.Random(seed)
    samples = sorted(p for p in SAMPLES.iterdir() if p.is_dir() and not p.name.startswith(("_", ".")))
    out.mkdir(parents=True)
    kinds: dict[str, str] = {}
    for number in range(size):
        name = f"s{number:04}"
        if number % round(1 / broken_share) == 0 if broken_share else False:
            make = BROKEN[number // round(1 / broken_share) % len(BROKEN)]
            make(out / name, rng)
            kinds[name] = make.__name__.strip("_")
            continue
        sample = rng.choice(samples)
        shutil.copytree(sample, out / name)
        readme = out / name / "README.md"
        if readme.exists():
            readme.write_bytes(readme.read_bytes() + f"\n<!-- {name} -->\n".encode())
        kinds[name] = sample.name
    return kinds


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

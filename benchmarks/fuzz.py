"""Feeds damaged files, frames and stores to everything that reads what others made, and keeps what breaks it.

    python -m benchmarks fuzz --minutes 10 [--target readme ...] [--out crashes]

Targets: frames (the pipe of the sandbox), graph (a network that a job sends), rubric, readme, notebook,
workbook, store (the file of a store) and rows (a record in it: its database is whole). A target breaks when
it raises anything but its own refusal, when a criterion ends as `error` (our fault), or when what was read
cannot be stored. Each is a process of its own, guided by the coverage of `grader` where atheris is installed
(`pip install atheris`, Linux), else by a mutator of ours alone. Every input that broke something is saved
below `--out` under its digest, with the traceback beside it; exit status 1 where there is any.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from _fuzz_targets import ROOT, TARGETS

TOKENS = (
    *(b"NaN", b"1e999", b"-1", b"99999999999999999999", b'"\\ud83d"', b"null", b"[]", b"{}", b"\0", b"\xff\xfe", b"\x1b[31m"),
    *(b"$$", b"```", b"|", b"\\frac{", b"\xe2\x88\x82E/\xe2\x88\x82w1 = ", b"<![CDATA[", b"<!ENTITY x 'y'>", b"=A1:XFD1048576", b"'='"),
)  # fmt: skip


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to four small damages."""
    blob = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at, end = sorted(chance.randrange(len(blob) + 1) for _ in range(2))
        end = min(end, at + 400)
        kind = chance.randrange(5)
        if kind == 0 and blob:
            blob[min(at, len(blob) - 1)] = chance.randrange(256)
        elif kind == 1:
            del blob[at:end]
        elif kind == 2:
            blob[at:at] = blob[at:end] * chance.randint(1, 40)
        elif kind == 3:
            blob[at:end] = chance.choice(TOKENS)
        else:
            blob[at:at] = chance.choice(TOKENS)
    return bytes(blob[:2_000_000])


def fuzz(name: str, seconds: float, seed: int, out: Path) -> None:
    """Feed one target in this process until the time is up or something breaks; what broke it is saved."""
    load_run, load_seeds = TARGETS[name]
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None:
        run, seeds = load_run(), load_seeds()
    else:
        with atheris.instrument_imports(include=["grader"]):
            run, seeds = load_run(), load_seeds()
    chance = random.Random(seed)
    end = time.monotonic() + seconds

    def one(data: bytes) -> None:
        try:
            run(data)
        except Exception:
            digest = hashlib.sha256(data).hexdigest()[:16]
            (out / f"{name}-{digest}").write_bytes(data)
            (out / f"{name}-{digest}.txt").write_text(traceback.format_exc(), encoding="utf-8")
            raise

    for whole in seeds:
        run(whole)
    if atheris is None:
        kept, runs = list(seeds), 0
        while time.monotonic() < end:
            data = mutate(chance.choice(kept), chance)
            one(data)
            runs += 1
            kept = [*seeds, *[*kept[len(seeds) :], data][-50:]]
        print(f"stat::number_of_executed_units: {runs}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as corpus:
        for number, whole in enumerate(seeds):
            Path(corpus, f"seed{number}").write_bytes(whole)
        for number in range(50):
            Path(corpus, f"damaged{number}").write_bytes(mutate(chance.choice(seeds), chance))
        options = (
            f"-max_total_time={max(1, int(seconds))}",
            f"-seed={seed}",
            "-max_len=2000000",
            "-print_final_stats=1",
        )
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={out}/", corpus], one)
        atheris.Fuzz()


def main() -> int:
    """Divide the time between the targets; return 1 where anything broke."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    parser.add_argument("--out", type=Path, default=Path("crashes"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.child:
        fuzz(given.child[0], float(given.child[1]), given.seed, given.out.resolve())
        return 0
    names = given.target or sorted(TARGETS)
    for number, name in enumerate(names):
        end = time.monotonic() + given.minutes * 60 / len(names)
        seed, ended = given.seed + 1000 * number, 0
        while (left := end - time.monotonic()) > 1 and ended < 20:
            command = [
                sys.executable,
                "-m",
                "benchmarks",
                "fuzz",
                "--child",
                name,
                str(left),
                "--seed",
                str(seed),
            ]
            done = subprocess.run(
                [*command, "--out", str(given.out)], cwd=ROOT, check=False, capture_output=True, text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            runs = [line for line in done.stderr.splitlines() if "stat::number_of_executed_units" in line]
            print(
                f"{name}: {runs[0].split()[-1] if runs else 'uncounted'} runs, "
                f"{'broke' if done.returncode else 'held'}",
                flush=True,
            )
            seed, ended = seed + 1, ended + 1
            if done.returncode and not list(given.out.glob(f"{name}-*")):
                print(done.stderr[-2000:])
                return 1
    broken = sorted(p for p in given.out.glob("*-*") if p.suffix == ".txt")
    for path in broken:
        print(f"{path}: {path.read_text('utf-8').strip().splitlines()[-1][:200]}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

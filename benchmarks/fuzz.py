"""Feeds damaged files, frames and stores to everything that reads what others made, and keeps what breaks it.

    python -m benchmarks.fuzz --minutes 10 [--target readme ...] [--out crashes]

Targets: frames (the pipe of the sandbox), graph (a network that a job sends), rubric, readme, notebook,
workbook, store. A target breaks when it raises anything but its own refusal, when a criterion ends as `error`
(our fault), or when what was read cannot be stored. Each is a process of its own, guided by the coverage of
`grader` where atheris is installed (`pip install atheris`, Linux), else by a mutator of ours alone. Every
input that broke something is saved below `--out` under its digest, with the traceback beside it; exit status
1 where there is any.
"""

import argparse
import hashlib
import io
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOKENS = (
    *(b"NaN", b"1e999", b"-1", b"99999999999999999999", b'"\\ud83d"', b"null", b"[]", b"{}", b"\0", b"\xff\xfe", b"\x1b[31m"),
    *(b"$$", b"```", b"|", b"\\frac{", b"\xe2\x88\x82E/\xe2\x88\x82w1 = ", b"<![CDATA[", b"<!ENTITY x 'y'>", b"=A1:XFD1048576", b"'='"),
)  # fmt: skip
Run = Callable[[bytes], object]


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


def submission(name: str) -> Run:
    """Read and judge a submission whose one file is fuzzed, as a class does without running anything."""
    import msgspec

    from grader.checks.catalogue import catalogue
    from grader.core.outcome import Verdict
    from grader.core.settings import Settings
    from grader.ingest.read import from_bytes
    from grader.pipeline.grade.grade_one import grade_one
    from grader.pipeline.plan.rubrics import load

    rules = catalogue()
    rubric = load("default", rules)
    settings = Settings(execute=False, retrain=False)

    def run(data: bytes) -> None:
        report, known = grade_one(from_bytes("fuzzed", {name: data}), rubric, rules, settings)
        faults = [o.summary for o in report.outcomes if o.verdict is Verdict.ERROR]
        assert not faults, faults[0]
        for product in (*known.products().values(), report):
            msgspec.msgpack.encode(product)

    return run


def repacked(run: Run) -> Run:
    """Let the fuzzed bytes be the first sheet of a workbook: a damaged zip is refused before anything is
    read.
    """
    whole = workbook()

    def inner(data: bytes) -> object:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, "w") as new:
            for item in old.infolist():
                fuzzed = item.filename.endswith("sheet1.xml")
                new.writestr(item.filename, data if fuzzed else old.read(item))
        return run(buffer.getvalue())

    return inner


def workbook() -> bytes:
    """Return a small right workbook."""
    from tests.generate.workbook import BookSpec, make

    return make(BookSpec(rows=6))[0]


def sheet() -> bytes:
    """Return the XML of its first sheet."""
    with zipfile.ZipFile(io.BytesIO(workbook())) as package:
        name = next(n for n in package.namelist() if n.endswith("sheet1.xml"))
        return package.read(name)


def read_sheet() -> Run:
    """Read the workbook in this process, as its limited child does; the child's own process is not what is
    tried.
    """
    import msgspec

    from grader.extract.workbook.child import read

    return repacked(lambda data: msgspec.msgpack.encode(read(data, "fuzzed.xlsx")))


def frames() -> Run:
    """Read the pipe of a job."""
    from grader.sandbox.frames import FrameReader, ProtocolFault, strict_json
    from grader.sandbox.limits import Limits

    limits = Limits()

    def run(data: bytes) -> None:
        reader = FrameReader(limits)
        try:
            reader.feed(data)
            for frame in reader.frames:
                strict_json(frame.payload)
        except ProtocolFault:
            return

    return run


def graph() -> Run:
    """Load a network whose evaluation graph is fuzzed."""
    from grader.execute.graph.network import load_network
    from grader.execute.graph.schema import InvalidNetwork
    from tests.execute.graph.exported import frames as exported

    honest = list(exported("Honest"))

    def run(data: bytes) -> None:
        try:
            load_network([*honest[:2], (honest[2][0], data), *honest[3:]])
        except InvalidNetwork:
            return

    return run


def rubric() -> Run:
    """Load a rubric file."""
    from grader.checks.catalogue import catalogue
    from grader.core.faults import GraderFault
    from grader.pipeline.plan.rubrics import parse

    rules = catalogue()

    def run(data: bytes) -> None:
        try:
            parse(data, "fuzzed.toml", rules)
        except GraderFault:
            return

    return run


def store() -> Run:
    """Check a store whose file is damaged."""
    from grader.core.faults import GraderFault
    from grader.store.runs import Store

    folder = Path(tempfile.mkdtemp(prefix="grader-fuzz-store-"))

    def run(data: bytes) -> None:
        path = folder / "store.sqlite"
        path.write_bytes(data)
        try:
            opened = Store(path)
            try:
                opened.mean_seconds()
            finally:
                opened.close()
        except (GraderFault, sqlite3.DatabaseError):
            return
        finally:
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    return run


def empty_store() -> bytes:
    """Return the bytes of a store that holds nothing."""
    from grader.store.runs import Store

    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder, "store.sqlite")).close()
        return Path(folder, "store.sqlite").read_bytes()


def exported_graph() -> bytes:
    """Return the evaluation graph of an honest network."""
    from tests.execute.graph.exported import frames as exported

    return exported("Honest")[2][1]


def sample(pattern: str) -> Callable[[], bytes]:
    """Return a reader of the first file of the perfect sample that matches."""
    return lambda: next((ROOT / "submissions" / "perfect").glob(pattern)).read_bytes()


TARGETS: dict[str, tuple[Callable[[], Run], Callable[[], bytes]]] = {
    "frames": (
        frames,
        lambda: b"".join(len(p).to_bytes(4, "little") + b"\x06" + p for p in (b"{}", b'{"a": [1]}')),
    ),
    "graph": (graph, exported_graph),
    "rubric": (rubric, (ROOT / "rubrics" / "default.toml").read_bytes),
    "readme": (lambda: submission("README.md"), sample("README.md")),
    "notebook": (lambda: submission("S.ipynb"), sample("*.ipynb")),
    "workbook": (read_sheet, sheet),
    "store": (store, empty_store),
}


def fuzz(name: str, seconds: float, seed: int, out: Path) -> None:
    """Feed one target in this process until the time is up or something breaks; what broke it is saved."""
    load_run, load_seed = TARGETS[name]
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None:
        run, first = load_run(), load_seed()
    else:
        with atheris.instrument_imports(include=["grader"]):
            run, first = load_run(), load_seed()
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

    run(first)
    if atheris is None:
        kept = [first]
        while time.monotonic() < end:
            data = mutate(chance.choice(kept), chance)
            one(data)
            kept = [*kept, data][-50:]
        return
    with tempfile.TemporaryDirectory() as corpus:
        Path(corpus, "seed").write_bytes(first)
        for number in range(50):
            Path(corpus, f"damaged{number}").write_bytes(mutate(first, chance))
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
                "benchmarks.fuzz",
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
                f"{name}: {runs[0].split()[-1] if runs else 'unguided'} runs, "
                f"{'broke' if done.returncode else 'held'}"
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

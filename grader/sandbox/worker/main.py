"""The worker: reads a job, runs the notebook, and sends what came of it."""

import ctypes
import json
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cells as cells_module
from .channel import Channel, take

if TYPE_CHECKING:
    from .session import Session

SUFFIX_LIMIT = 40


def main() -> None:
    """Run one job; the mode is in its options."""
    _die_with_grader()
    blob, channel = take()
    size = int.from_bytes(blob[:4], "little")
    header = json.loads(blob[4 : 4 + size])
    files, data = _split(header, blob[4 + size :])
    _limit_processes()
    mode = header["options"].get("mode", "notebook")
    if mode == "probe":
        from . import probe

        channel.send_json("probe", probe.attack(header["options"]))
    elif mode == "fill-memory":
        _fill_memory()
    elif mode == "python":
        _python(header["entry"], files, channel)
    elif mode in ("notebook", "reproduce"):
        _notebook(header, files, data, channel)
    elif mode != "ping":
        raise SystemExit(f"unknown mode {mode!r}")
    channel.send("done", b"{}")
    # Nothing of the notebook (threads, atexit, destructors) gets another turn.
    os._exit(0)


def _die_with_grader() -> None:
    """Without isolation nothing else ends us when grader is killed (Linux only; student code could undo
    it).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _fill_memory() -> None:
    """Touch ever more memory, for the doctor; ends with the process."""
    held: list[bytearray] = []
    while len(held) < 256:
        block = bytearray(16 << 20)
        block[::4096] = b"x" * len(block[::4096])
        held.append(block)


def _python(entry: str, files: dict[str, bytes], channel: Channel) -> None:
    """Run one Python file as it is, with a function `report(value)` that sends JSON out; nothing is imported
    for it.
    """
    _go_to(_unpack(files, entry))
    code = compile(cells_module.decode(files[entry]), entry, "exec")
    exec(code, {"__name__": "__main__", "report": lambda value: channel.send_json("probe", {"value": value})})


def _split(header: dict[str, Any], blobs: bytes) -> tuple[dict[str, bytes], dict[str, bytes]]:
    found: list[dict[str, bytes]] = [{}, {}]
    offset = 0
    for target, entries in zip(found, (header["files"], header["data"]), strict=True):
        for name, length in entries:
            target[name] = blobs[offset : offset + length]
            offset += length
    return found[0], found[1]


def _limit_processes() -> None:
    """Cap processes where only we can: inside the user namespace, when the job runs under the caller's own
    uid.
    """
    wanted = int(os.environ.pop("GRADER_PIDS", "0"))
    if not wanted:
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    resource.setrlimit(resource.RLIMIT_NPROC, (wanted, hard))
    try:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    except OSError:  # a kernel before 5.14 counts the whole uid: the limit would stop our own work
        resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
        return
    resource.setrlimit(resource.RLIMIT_NPROC, (wanted, wanted))


def _unpack(files: dict[str, bytes], entry: str) -> Path:
    """Write the student's files below the working directory and return where the notebook lies."""
    root = Path.cwd() / "work" / "submission"
    Path(os.environ.get("TMPDIR") or Path.cwd() / ".tmp").mkdir(parents=True, exist_ok=True)
    for name, blob in files.items():
        path = root / name
        if ".." in path.parts or not path.is_relative_to(root):
            raise SystemExit("a file name leads out of the working directory")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blob)
        except (
            OSError,
            ValueError,
        ):  # a name that no Linux file can have; only the notebook itself is needed
            if name == entry:
                raise
    return root / entry


def _go_to(path: Path) -> None:
    """Work in the notebook's folder and import from there, then from the folders above it, as students do."""
    root = Path.cwd() / "work" / "submission"
    os.chdir(path.parent)
    sys.argv = [str(path)]
    above = [str(p) for p in path.parents if p.is_relative_to(root)]
    sys.path[:0] = above[:1]
    sys.path += above[1:]


def _notebook(
    header: dict[str, Any], files: dict[str, bytes], data: dict[str, bytes], channel: Channel
) -> None:
    entry = header["entry"]
    run: dict[str, Any] = {
        "error": "",
        "data": "none",
        "shims": [],
        "models": [],
        "choice": "none",
        "export_error": "",
        "notes": [],
    }
    try:
        cells = cells_module.read(entry, files[entry])
    except ValueError as fault:
        run["error"] = f"the notebook cannot be read: {fault}"[:500]
        channel.send_json("run", run)
        return
    # Our own imports come before the student's folder is on the path: it may hold a torch.py or an html.py.
    from .mnist_stub import About
    from .reproduce import Whole
    from .session import Session

    about = About(**header["options"]["data"])
    whole = header["options"].get("mode") == "reproduce"
    if whole:
        session: Session = Whole(data.get("digits"), header["limits"], about, channel, data.get("queries"))
    else:
        meant = tuple(header["options"].get("classes", ()))
        session = Session(data.get("digits"), header["limits"], about, data.get("queries"), meant)
    run["data"] = (
        "synthetic"
        if session.synthetic
        else f"{about.name}-held-out"
        if whole
        else f"{about.name}-train-slice"
    )
    _go_to(_unpack(files, entry))
    channel.send("ready", b"{}")
    for place, cell in enumerate(cells):
        session.when_deaf(partial(_without, cells[place:], session, run, channel))
        channel.send_json("cell", session.run(cell))
    _finish(session, run, channel)


def _finish(session: "Session", run: dict[str, Any], channel: Channel) -> None:
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        session.finish(run, channel)
    channel.send_json("run", run)


def _without(
    cells: list[cells_module.Cell], session: "Session", run: dict[str, Any], channel: Channel
) -> None:
    """Send what there is while the first of these cells still runs and will not end: from here on it gets no
    turn.

    Called where the alarm strikes, inside of that cell; so the process ends here, whatever happens.
    """
    try:
        channel.send_json("cell", session.left_running(cells[0]))
        for cell in cells[1:]:
            channel.send_json("cell", session.not_run(cell, f"cell {cells[0].number} did not end"))
        run["notes"].append(f"cell {cells[0].number} did not end; the cells after it were not run")
        _finish(session, run, channel)
        channel.send("done", b"{}")
    finally:
        os._exit(0)

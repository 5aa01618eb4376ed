"""The worker: reads a job, runs the notebook, and sends what came of it."""

import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from . import cells as cells_module
from .channel import Channel, take

SUFFIX_LIMIT = 40


def main() -> None:
    """Run one job; the mode is in its options."""
    blob, channel = take()
    size = int.from_bytes(blob[:4], "little")
    header = json.loads(blob[4 : 4 + size])
    files, data = _split(header, blob[4 + size :])
    _limit_processes()
    mode = header["options"].get("mode", "notebook")
    if mode == "probe":
        from . import probe

        channel.send_json("probe", probe.attack(header["options"]))
    elif mode == "notebook":
        _notebook(header, files, data, channel)
    elif mode != "ping":
        raise SystemExit(f"unknown mode {mode!r}")
    channel.send("done", b"{}")
    # Nothing of the notebook (threads, atexit, destructors) gets another turn.
    os._exit(0)


def _split(header: dict[str, Any], blobs: bytes) -> tuple[dict[str, bytes], dict[str, bytes]]:
    found: list[dict[str, bytes]] = [{}, {}]
    offset = 0
    for target, entries in zip(found, (header["files"], header["data"]), strict=True):
        for name, length in entries:
            target[name] = blobs[offset : offset + length]
            offset += length
    return found[0], found[1]


def _limit_processes() -> None:
    """Cap processes where only we can: inside the user namespace, when the job runs under the caller's own uid."""
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


def _unpack(files: dict[str, bytes], entry: str) -> str:
    """Write the student's files below the working directory and return the folder of the notebook."""
    root = os.path.join(os.getcwd(), "work", "submission")
    os.makedirs(os.environ.get("TMPDIR", os.path.join(os.getcwd(), ".tmp")), exist_ok=True)
    for name, blob in files.items():
        path = os.path.normpath(os.path.join(root, name))
        if not path.startswith(root + os.sep):
            raise SystemExit("a file name leads out of the working directory")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(blob)
    folder = os.path.dirname(os.path.normpath(os.path.join(root, entry)))
    os.makedirs(folder, exist_ok=True)
    return folder


def _notebook(header: dict[str, Any], files: dict[str, bytes], data: dict[str, bytes], channel: Channel) -> None:
    entry = header["entry"]
    run: dict[str, Any] = {"error": "", "data": "none", "shims": [], "models": [], "choice": "none", "export_error": "", "notes": []}
    try:
        cells = cells_module.read(entry, files[entry])
    except ValueError as fault:
        run["error"] = f"the notebook cannot be read: {fault}"[:500]
        channel.send_json("run", run)
        return
    # Our own imports come before the student's folder is on the path: it may hold a torch.py or an html.py.
    from .session import Session

    session = Session(data.get("digits"), header["limits"])
    run["data"] = "synthetic" if session.synthetic else "mnist-train-slice"
    folder = _unpack(files, entry)
    os.chdir(folder)
    sys.path.insert(0, folder)
    for cell in cells:
        channel.send_json("cell", session.run(cell))
    with redirect_stdout(open(os.devnull, "w")), redirect_stderr(open(os.devnull, "w")):
        session.finish(run, channel)
    channel.send_json("run", run)

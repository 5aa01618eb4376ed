"""What this machine has and lacks for running student code: found by trying, never by looking up a
version.
"""

import importlib.metadata
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from grader.core.distribution import install_hint
from grader.sandbox import environment
from grader.sandbox.api import Job, Limits, RunResult, RunStatus, Sandbox
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.choose import try_bubblewrap
from grader.sandbox.warm import NotWarm, Server

TRIED = {"torch": ((2, 9, 1), (2, 13, 0)), "torchvision": ((0, 24, 1), (0, 28, 0))}
"""The oldest and the newest matched pair that grader was tried with (scripts/try_torch.py); pyproject.toml
names the same.
"""
TESTED = {"torch": "2.13.0", "torchvision": "0.28.0"}
"""The pair that everything is tested on; constraints.txt names the same."""
SLOWER = "each job of a class imports torch by itself"
REFUSED = ("EPERM", "ENOSYS", "EAFNOSUPPORT")
PROMISES = {
    "files of this machine are hidden": "A job opens no file outside its sandbox but programs, "
    "libraries and fonts.",
    "nothing of it can be written": "A job writes to its own folder and shared memory alone.",
    "processes are hidden": "A job sees no process but its own, and can signal no other.",
    "no network": "No packet leaves a job; its loopback is its own.",
    "no odd sockets": "Sockets that a network namespace does not cover are refused.",
    "system calls are filtered": "Calls that reach the kernel past the namespaces are refused.",
    "no capabilities": "A job holds no capability and can gain none.",
    "our environment is hidden": "No variable and no argument of grader can be read in a job.",
    "no descriptors leak": "A job holds its standard streams and one pipe, and nothing else that was open.",
    "memory limit": "A job that takes more memory than it may is ended, with all its processes.",
    "files are counted": "A job can make no more files than its folder allows.",
}
"""What `grader doctor` tries, and what SECURITY.md promises where it holds; a test compares the two."""
WHERE_OTHERS_WORK = (
    *("/home", "/root", "/mnt", "/media", "/opt", "/srv", "/var", "/etc", "/data", "/tmp"),  # noqa: S108
    *("/usr/share", "/usr/src", "/usr/games", "/usr/local/share", "/usr/local/src", "/usr/local/etc"),
)
"""Folders in which data, classes, exchange folders and checkouts lie; a file of each is tried from inside."""


ASKED = """
import torch
print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else "")
import torchvision
"""
"""Which GPU torch sees, which is printed whatever comes of torchvision, and whether that can be imported."""


class Health(Enum):
    """How well a part stands."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


class Symptom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the doctor's table; `remedy` is a command or a sentence, empty where nothing is wrong."""

    name: str
    health: Health
    found: str
    remedy: str = ""


def examine_sandbox(private: tuple[str, ...] = ()) -> list[Symptom]:
    """Start the sandbox and attack it from inside; `private` files must not be readable there."""
    trial = try_bubblewrap()
    if not trial.works:
        return [Symptom(name="isolation", health=Health.MISSING, found=trial.reason, remedy=trial.remedy)]
    return [*examine(Bubblewrap(), private), examine_warm_start(private)]


def examine_warm_start(private: tuple[str, ...] = ()) -> Symptom:
    """Attack a job that was started warm as any other; nothing is amiss where this machine has no such
    jobs.
    """
    name = "warm start"
    try:
        server = Server(Bubblewrap.surroundings())
    except NotWarm as why:
        return Symptom(name=name, health=Health.OK, found=f"not here: {why}; {SLOWER}")
    try:
        warm = Bubblewrap(warm=server.address)
        first = warm.run(Job(files={}, entry="", options={"mode": "ping"}, limits=Limits(wall=30.0)))
        if first.isolation.cold:
            why_not = server.last_words() or first.isolation.cold
            return Symptom(name=name, health=Health.OK, found=f"not here: {why_not}; {SLOWER}")
        broken = [s.name for s in examine(warm, private) if s.health is Health.MISSING]
    finally:
        server.close()
    return Symptom(
        name=name,
        health=Health.MISSING if broken else Health.OK,
        found=f"does NOT hold: {', '.join(broken)}" if broken else "holds as firmly",
        remedy="do not run the work of others on this machine; please report this" if broken else "",
    )


def examine(sandbox: Sandbox, private: tuple[str, ...] = ()) -> list[Symptom]:
    """Attack one backend and judge what was observed."""
    with tempfile.NamedTemporaryFile(prefix="grader-doctor-", suffix=".txt") as secret:
        Path(secret.name).chmod(0o644)
        outside = [secret.name, *private, *_own_files(), *_files_of_the_machine()]
        options = {"mode": "probe", "outside": outside}
        result = sandbox.run(Job(files={}, entry="", options=options, limits=Limits(wall=30.0)))
    if result.status is not RunStatus.OK:
        return [
            Symptom(
                name="isolation",
                health=Health.MISSING,
                found=result.detail,
                remedy=result.stderr_tail.strip()[-300:],
            )
        ]
    seen = json.loads(next(f.payload for f in result.frames if f.kind == "probe"))
    return [*_judge(seen, result), _memory(sandbox, result), _inodes(sandbox)]


def _judge(seen: dict[str, Any], result: RunResult) -> list[Symptom]:
    isolation = result.isolation
    open_calls = sorted(name for name, answer in seen["calls"].items() if answer not in REFUSED)
    rows = [
        ("files of this machine are hidden", not seen["readable"], ", ".join(seen["readable"])),
        ("nothing of it can be written", not seen["writable"], ", ".join(seen["writable"])),
        ("processes are hidden", seen["processes"] <= 3, f"{seen['processes']} processes can be seen"),
        ("no network", not seen["network"], "a packet could leave"),
        ("no odd sockets", not seen["sockets"], ", ".join(seen["sockets"])),
        ("system calls are filtered", seen["filtered"] and not open_calls, ", ".join(open_calls) or "no "
                                        "filter"),
        ("no capabilities", set(seen["capabilities"]) <= {"0"} and seen["no_new_privileges"], ("CapEff "
                                        f"{seen['capabilities']}")),
        ("our environment is hidden", not seen["environment_of_init"], ("the launcher's environment can be "
                                        "read")),
        ("no descriptors leak", len(seen["descriptors"]) <= 4, ", ".join(seen["descriptors"])),
    ]  # fmt: skip
    found = [
        Symptom(
            name=name,
            health=Health.OK if held else Health.MISSING,
            found="holds" if held else f"does NOT hold: {why}",
            remedy="" if held else _remedy_for(name, why),
        )
        for name, held, why in rows
    ]
    backend = f"{isolation.backend}, {isolation.user} uid, filter {isolation.seccomp or 'none'}"
    health = Health.OK if isolation.isolated and not isolation.weaknesses else Health.WARN
    remedy = "" if health is Health.OK else "; ".join(isolation.weaknesses)
    return [Symptom(name="isolation", health=health, found=backend, remedy=remedy), *found]


def _remedy_for(name: str, why: str) -> str:
    below = sorted({environment.shown_by(path) for path in why.split(", ")} - {""})
    if name == "files of this machine are hidden" and below:
        return f"move it away: what lies below {', '.join(below)} can be read by student code"
    return "do not run the work of others on this machine; please report this"


def _inodes(sandbox: Sandbox) -> Symptom:
    """Make more files than a job may have."""
    code = (
        "made = 0\ntry:\n    while made < 4000:\n        open(f'file{made}', "
        "'w').close()\n        made += 1\n"
        "except OSError:\n    pass\nreport(made)"
    )
    job = Job(
        files={"count.py": code.encode()},
        entry="count.py",
        options={"mode": "python"},
        limits=Limits(wall=30.0, inodes=1_000),
    )
    result = sandbox.run(job)
    made = next((json.loads(f.payload)["value"] for f in result.frames if f.kind == "probe"), 0)
    held = result.status is RunStatus.OK and 0 < made < 4_000
    return Symptom(
        name="files are counted",
        health=Health.OK if held else Health.WARN,
        found="holds" if held else "not capped here: only their size is",
        remedy="" if held else "run grader as root to cap the number of files too (jobs still run as nobody)",
    )


def _memory(sandbox: Sandbox, first: RunResult) -> Symptom:
    """Exceed the memory limit on purpose."""
    limits = Limits(wall=30.0, memory=256 << 20)
    result = sandbox.run(Job(files={}, entry="", options={"mode": "fill-memory"}, limits=limits))
    held = result.status is RunStatus.MEMORY
    return Symptom(
        name="memory limit",
        health=Health.OK if held else Health.MISSING,
        found=f"holds ({first.isolation.memory})"
        if held
        else f"does NOT hold: ended as {result.status.value}",
        remedy="" if held else "run grader as root, or where control groups can be written",
    )


def _files_of_the_machine() -> list[str]:
    """One file of each folder in which others may work, found within a few steps; none of what a job must
    see.
    """
    found = []
    for root in WHERE_OTHERS_WORK:
        walk = itertools.islice(os.walk(root, onerror=None), 200)
        places = ((folder, name) for folder, _, names in walk for name in sorted(names))
        files = (os.path.join(folder, name) for folder, name in places)  # noqa: PTH118
        plain = (f for f in files if not Path(f).is_symlink() and not environment.shown_by(f))
        found += list(itertools.islice((f for f in plain if os.access(f, os.R_OK)), 1))
    return found


def _own_files() -> list[str]:
    """A file of the working directory and one of the home directory: names that a job must not be able to
    open.
    """
    found = []
    for folder in (Path.cwd(), Path.home()):
        try:
            files = sorted(p for p in folder.iterdir() if p.is_file())
        except OSError:
            continue
        found += [str(p) for p in files[:1]]
    return found


def examine_packages() -> list[Symptom]:
    """The Python packages that executing and retraining need."""
    found = []
    for name, (oldest, newest) in TRIED.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            remedy = install_hint("notebook") + (
                " (needed to execute and retrain notebooks)" if name == "torch" else ""
            )
            found.append(Symptom(name=name, health=Health.MISSING, found="not installed", remedy=remedy))
            continue
        tried = oldest <= _release(version) <= newest
        remedy = (
            ""
            if tried
            else (
                f"tried with {name} {_dotted(oldest)} to {_dotted(newest)}, tested with {TESTED[name]};"
                " torch and torchvision are a matched pair"
            )
        )
        health = Health.OK if tried else Health.WARN
        found.append(Symptom(name=name, health=health, found=version, remedy=remedy))
    for name in ("safetensors", "IPython", "tqdm", "matplotlib", "pandas"):
        there = importlib.util.find_spec(name) is not None
        found.append(
            Symptom(
                name=name,
                health=Health.OK if there else Health.WARN,
                found="installed" if there else "not installed",
                remedy="" if there else install_hint("notebook"),
            )
        )
    found.append(_torchvision_ops())
    return found


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version such as 2.13.0+cpu or 2.15.0a0."""
    return tuple(int(n) for n in re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0]))


def _dotted(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release))


@cache  # to import torch takes two seconds, for each of those who ask
def _python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a line of ours in a fresh interpreter."""
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(  # noqa: S603 - our own interpreter and a constant
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=120
    )


def _torchvision_ops() -> Symptom:
    """Explain the error that students meet with a CPU build: operator torchvision::nms does not exist."""
    name = "torchvision operators"
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("torchvision") is None:
        return Symptom(name=name, health=Health.WARN, found="not tried", remedy="")
    answer = _python(ASKED)
    if answer.returncode == 0:
        return Symptom(name=name, health=Health.OK, found="load")
    last = (answer.stderr.strip().splitlines() or ["?"])[-1]
    if "nms does not exist" in last:
        remedy = (
            "nothing to do: grader declares them itself. In your own code install torch and "
            "torchvision from one index"
        )
        return Symptom(
            name=name,
            health=Health.OK,
            found="built for CUDA beside a CPU torch; data sets and transforms work",
            remedy=remedy,
        )
    return Symptom(
        name=name,
        health=Health.MISSING,
        found=last[:200],
        remedy="pip install " + " ".join(f"'{name}=={version}'" for name, version in TESTED.items()),
    )


def examine_cuda() -> Symptom:
    """Whether grader's own training can use a GPU; student code never gets one."""
    if importlib.util.find_spec("torch") is None:
        return Symptom(name="CUDA", health=Health.WARN, found="not tried: no torch")
    device = _python(ASKED).stdout.strip()
    if device:
        return Symptom(
            name="CUDA",
            health=Health.OK,
            found=f"{device} (for grader's own training, unmeasured so far; student code gets none)",
        )
    return Symptom(name="CUDA", health=Health.OK, found="none: training runs on the CPU")

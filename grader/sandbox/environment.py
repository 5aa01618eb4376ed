"""What of this machine a job may see: the Python that runs it and the system's libraries, read-only; nothing
else.

Not the working directory, not the repository of an editable installation, not the home directory: a
submission of another student could stand there. Nor all of /usr: MNIST's labels, an exchange folder or a
checkout may lie in /usr/local/share or /usr/local/src.
"""

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

import grader
from grader.sandbox import worker

WORKER = Path(worker.__file__).parent
WORKER_INSIDE = "/grader/worker"
PYTHON_FLAGS = ("-P", "-s", "-B")
"""Not -I: that would ignore PYTHONHASHSEED, and the environment is ours from end to end."""
RUNS_WITH = ("torch", "torchvision", "IPython", "safetensors")
"""What the worker cannot start without; all of it comes with the extra `notebook`, and only torch and
safetensors with `retrain`.
"""
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_USR = (
    *(f"/usr/{part}" for part in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "local/lib")),
    *(f"/usr/share/{part}" for part in ("zoneinfo", "fonts", "matplotlib")),
)
"""Programs and libraries; of /usr/share what Python's own modules and Debian's matplotlib read."""
_PARTS = ("bin", "lib", "lib64", "libexec", "ssl", "pyvenv.cfg")
"""What of a Python's folder is shown: somebody may have made the environment in the folder where he works."""
_STORES = ("/nix/store", "/gnu/store")
_FILES = ("/etc/ld.so.cache", "/etc/alternatives")


def lacking() -> list[str]:
    """Return the packages that a notebook runs with and that this installation does not have."""
    return [name for name in RUNS_WITH if importlib.util.find_spec(name) is None]


class Bind(NamedTuple):
    """A path of this machine and where it stands inside."""

    source: str
    target: str


class Link(NamedTuple):
    """A symbolic link to make inside."""

    target: str
    path: str


class View(NamedTuple):
    """Everything of this machine that a job sees."""

    binds: tuple[Bind, ...]
    links: tuple[Link, ...]


def view() -> View:
    """Collect the read-only parts, parents before children, without duplicates."""
    links = tuple(Link(str(p.readlink()), str(p)) for p in map(Path, _SYSTEM) if p.is_symlink())
    wanted = [
        *(p for p in (*_STORES, *_USR) if Path(p).is_dir()),
        *(p for p in _SYSTEM if Path(p).is_dir() and not Path(p).is_symlink()),
    ]
    wanted += [p for p in _FILES if Path(p).exists()]
    wanted += _python()
    chosen: list[str] = []
    for path in sorted(set(wanted)):
        if not any(path == c or path.startswith(c + "/") for c in chosen):
            chosen.append(path)
    binds = tuple(Bind(path, path) for path in chosen)
    return View(binds=(*binds, Bind(str(WORKER), WORKER_INSIDE)), links=links)


def shown_by(path: str | Path) -> str:
    """Return the part of this machine that a job sees and that holds `path`; empty where the path is
    hidden.
    """
    real = str(Path(path).resolve())
    for bind in view().binds:
        source = str(Path(bind.source).resolve())
        if bind.source != str(WORKER) and (real == source or real.startswith(source + "/")):
            return bind.source
    return ""


def package_folders() -> list[str]:
    """Where this process finds installed packages; handed on, since a user's own site-packages are switched
    off inside.
    """
    return [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages") and Path(p).is_dir()]


def own_folders() -> list[str]:
    """Where a process of ours that names its folders finds grader, msgspec and the installed packages."""
    root = Path(grader.__file__).resolve().parent.parent
    packages = Path(msgspec.__file__).resolve().parent.parent
    return list(dict.fromkeys((str(root), str(packages), *package_folders())))


def _python() -> list[str]:
    """The environment, its base interpreter and the site-packages that this process itself imports from."""
    roots = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    roots |= {str(Path(root).resolve()) for root in roots}
    roots |= set(package_folders())
    roots |= {str(parent) for parent in _links_to_executable()}
    found: list[str] = []
    for root in sorted(roots):
        if Path(root).name in ("bin", "site-packages", "dist-packages"):
            found.append(root)
        else:
            found += [str(Path(root, part)) for part in _PARTS if Path(root, part).exists()]
    return found


def _links_to_executable() -> list[Path]:
    """Folders of the chain of symbolic links from `sys.executable` to the real interpreter."""
    found: list[Path] = []
    path = Path(sys.executable)
    for _ in range(40):
        found.append(path.parent)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return found

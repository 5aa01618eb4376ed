"""A data set from the servers that torchvision asks, held against known digests, within a bounded time.

Written with the standard library and not with torchvision's own download, which needs torch and has no bound:
an installation without torch can fetch too, and a server that never answers ends the attempt instead of the
user's patience.
"""

import contextvars
import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from grader.core.assigned_data import MNIST, DataSet
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.progress import tell
from grader.execute.digits import files_of
from reference import mnist

SECONDS = 60.0
"""How long an attempt may take in all."""
CHUNK = 2**16
LARGEST = 2**30
"""Bytes; the largest archive of the known data sets has half of it."""
SILENCE = 10.0
"""How long a server may send nothing before the next one is asked; less where the whole attempt has less."""


class _Body(Protocol):
    """What is read of an answer."""

    def read1(self, size: int, /) -> bytes:
        """Return what has come, at most `size` bytes; nothing at its end."""


def fetch(
    folder: Path, mirrors: tuple[str, ...] = (), seconds: float = SECONDS, data: DataSet = MNIST
) -> None:
    """Put the files of a data set into `folder`, each verified before it is there; whole ones are not fetched
    again. `mirrors` are asked in the place of those that the data set names.

    Raises Unavailable (skipped) with what each server answered, where a file cannot be had in time.
    """
    attempt = _Attempt(folder, mirrors or data.mirrors, seconds, data)
    # A thread, because nothing else bounds how long a name is looked up. A daemon: it must not hold up the
    # exit.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(attempt.run,), daemon=True)
    thread.start()
    thread.join(seconds)
    if attempt.done:
        return
    why = "; ".join(f"{place}: {fault}" for place, fault in attempt.faults.items())
    if thread.is_alive() or not why:
        why = f"{why + '; ' if why else ''}it did not end within {seconds:g} s"
    raise Unavailable(
        f"{data.title} could not be downloaded ({why}); put the four files into {folder} by other means,"
        " or name their folder with --data or $GRADER_DATA",
        Verdict.SKIPPED,
    )


class _Attempt:
    """One attempt at all files. `faults` holds what went wrong, by server."""

    def __init__(self, folder: Path, mirrors: tuple[str, ...], seconds: float, data: DataSet) -> None:
        self.folder = folder
        self.files = files_of(data)
        self.mirrors = [m if m.endswith("/") else f"{m}/" for m in mirrors]
        self.silence = min(SILENCE, seconds / (2 * max(len(mirrors), 1)))
        self.deadline = time.monotonic() + seconds
        self.faults: dict[str, str] = {}
        self.done = False

    def run(self) -> None:
        """Get one file after the other; the first that no server gives ends the attempt."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.done = all(self._have(name) or self._get(name) for name in self.files.downloads)
        except OSError as fault:
            self.faults[str(self.folder)] = fault.strerror or str(fault)

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _verify(self, content: bytes, name: str, where: Path | str) -> None:
        if self.files.archive:
            mnist.verified_archive(content, where, self.files)
        else:
            mnist.verified(content, name.removesuffix(".gz"), where, self.files)

    def _have(self, name: str) -> bool:
        path = self._path(name)
        try:
            self._verify(path.read_bytes(), name, path)
        except (FileNotFoundError, mnist.MnistDamaged):
            return False
        return True

    def _get(self, name: str) -> bool:
        for mirror in list(self.mirrors):
            server = urlsplit(mirror).hostname or mirror
            try:
                content = self._download(urljoin(mirror, name))
                self._verify(content, name, name)
            except mnist.MnistDamaged as fault:
                self.faults[server] = str(fault)
                continue
            except (OSError, http.client.HTTPException, ValueError) as fault:
                self.faults[server] = _words(fault)
                self.mirrors.remove(mirror)  # unreachable for one file is unreachable for the next
                continue
            self._write(name, content)
            tell(f"{name} from {server}, {len(content):,} bytes, verified")
            return True
        return False

    def _download(self, address: str) -> bytes:
        with urllib.request.urlopen(address, timeout=self.silence) as answer:  # noqa: S310 - digests decide
            return self._body(answer)

    def _body(self, answer: _Body) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := answer.read1(CHUNK):
            size += len(part)
            if size > LARGEST:
                raise ValueError(f"sends more than {LARGEST:,} bytes, which no file of a data set has")
            if time.monotonic() > self.deadline:
                raise TimeoutError("too slow")
            parts.append(part)
        return b"".join(parts)

    def _write(self, name: str, content: bytes) -> None:
        draft = self.folder / f".{name}.{os.getpid()}"
        try:
            draft.write_bytes(content)
            draft.replace(self._path(name))
        finally:
            draft.unlink(missing_ok=True)


def _words(fault: Exception) -> str:
    """What a server or the network answered, as a few words."""
    if isinstance(fault, urllib.error.HTTPError):
        return f"HTTP {fault.code} {fault.reason}"
    reason = fault.reason if isinstance(fault, urllib.error.URLError) else fault
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__

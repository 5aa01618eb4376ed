"""The one stream that goes in: a length, a JSON header, then the bytes of every file."""

import json
import os
import sys
import tempfile
from typing import IO

from grader.core.assigned_data import MNIST
from grader.sandbox.api import Job


def encode(job: Job) -> bytes:
    """Lay a job out as the worker reads it: `u32 little-endian length | header | blobs in header order`."""
    files = sorted(job.files.items())
    data = sorted(job.data.items())
    header = {
        "entry": job.entry,
        "options": {"data": MNIST.seen_inside()} | dict(job.options),
        "files": [[name, len(blob)] for name, blob in files],
        "data": [[name, len(blob)] for name, blob in data],
        "limits": {
            "cells": job.limits.cells,
            "cell": job.limits.cell,
            "pids": job.limits.pids,
        },
    }
    head = json.dumps(header).encode()
    return b"".join([len(head).to_bytes(4, "little"), head, *(b for _, b in files), *(b for _, b in data)])


def memory_file(data: bytes, name: str) -> IO[bytes]:
    """An anonymous file that holds `data`, positioned at its start; sealed against change where Linux can."""
    if sys.platform != "linux":
        file = tempfile.TemporaryFile()  # noqa: SIM115
        file.write(data)
        file.seek(0)
        return file
    fd = os.memfd_create(name, os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    memory = os.fdopen(fd, "w+b")
    memory.write(data)
    memory.flush()
    memory.seek(0)
    seal(fd)
    return memory


def seal(fd: int) -> None:
    """Let nobody change an anonymous file any more (Linux)."""
    import fcntl

    changes = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, changes | fcntl.F_SEAL_SEAL)

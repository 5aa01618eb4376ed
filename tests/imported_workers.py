"""Workers of a class that are forked from a process which has imported grader, in the place of Pythons that
begin with nothing: importing takes longer than what a worker does for a class of three.

That process is started afresh, as where several workers share torch, and does nothing else: a worker has no
more of the process of the tests than one that starts by itself. Commands that a test starts as processes
start their workers as ever.
"""

import contextlib
import os
from collections.abc import Callable
from multiprocessing import context, forkserver, popen_forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

from grader.core.child import Child
from grader.schedule import local

ROOT = Path(__file__).parents[1]
_server = forkserver.ForkServer()
_variables = dict(os.environ)


class _Popen(popen_forkserver.Popen):
    def _launch(self, process_obj: BaseProcess) -> None:
        with contextlib.chdir(ROOT), mock.patch.dict(os.environ, _variables, clear=True):
            _server.ensure_running()
        with mock.patch.object(forkserver, "connect_to_new_process", _server.connect_to_new_process):
            super()._launch(process_obj)


class Worker(BaseProcess):
    """A process of that server."""

    _start_method = "forkserver"

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> _Popen:
        return _Popen(process_obj)


class _Imported(context.SpawnContext):
    Process = Worker


class ImportedChild(Child):
    """A `Child` that takes what others import from that server, where it would begin with nothing."""

    def __init__(self, serve: Callable[[Connection], None], **how: Any) -> None:
        with mock.patch.dict(context._concrete_contexts, spawn=_Imported()):
            super().__init__(serve, **how)


def start_workers_so() -> None:
    """From now on in this process; tests/schedule starts its own as grader does."""
    _server.set_forkserver_preload(["tests.preloaded", "tests.imported_workers"])
    local.Child = ImportedChild

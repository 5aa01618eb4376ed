"""What a worker of a cluster does with a block: a word for each job as it ends, and what is told before."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from typing import Any, Final

from grader.core.crash_log import listen
from grader.core.faults import GraderFault
from grader.core.machine import collect_rarely
from grader.core.progress import listening
from grader.schedule.cluster import Word

log = logging.getLogger(__name__)

Said = tuple[str, Any, str]
"""A `Word`, its value, and the type of a fault."""
TOGETHER: Final = 0.02
"""Seconds within which the ends of jobs are told at once: what Ray takes to tell one is more than a job that
finds its result has to do. A process that dies meanwhile is held against the first job that was not told,
which is then tried alone.
"""


def serve(
    function: Callable[[Any], Any], jobs: Sequence[Any], *, talks: bool = False
) -> Iterator[Sequence[Said]]:
    """Run a function over jobs in their order, and tell several words at a time. Those of a job are told as
    they come where it `talks`, else before its end, and with those of others that end in `TOGETHER`.
    """
    collect_rarely()
    listen()
    yield [(Word.BEGAN.value, "", "")]
    waiting: list[Said] = []
    told = time.monotonic()
    for job in jobs:
        if talks:
            yield from ([said] for said in _talking(function, job))
            continue
        waiting += _silent(function, job)
        if time.monotonic() - told >= TOGETHER:
            yield waiting
            waiting, told = [], time.monotonic()
    if waiting:
        yield waiting


def _silent(function: Callable[[Any], Any], job: Any) -> Iterator[Said]:
    heard: list[str] = []
    with listening(heard.append):
        end = _end(function, job)
    yield from ((Word.SAID.value, text, "") for text in heard)
    yield end


def _talking(function: Callable[[Any], Any], job: Any) -> Iterator[Said]:
    words: queue.SimpleQueue[Said] = queue.SimpleQueue()

    def run() -> None:
        with listening(lambda text: words.put((Word.SAID.value, text, ""))):
            try:
                words.put(_end(function, job))
            except BaseException as fault:  # whatever ends the thread must end the waiting for it
                words.put((Word.FAULT.value, str(fault), type(fault).__name__))

    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
    thread.start()
    while True:
        said = words.get()
        yield said
        if said[0] != Word.SAID.value:
            thread.join()
            return


def _end(function: Callable[[Any], Any], job: Any) -> Said:
    try:
        return Word.RESULT.value, function(job), ""
    except Exception as fault:  # told to the driver, which names the job
        if not isinstance(fault, GraderFault):
            log.exception("a job crashed")
        return Word.FAULT.value, str(fault), type(fault).__name__

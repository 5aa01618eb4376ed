"""In which order the jobs of a stage begin: what several hand-ins share is worked on once.

Whoever comes second finds the first one's result kept under the key that exists for it. So a job waits as
long as another one works on something that it has, too, and no longer; nothing here decides what "the same"
means for a result.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from grader.pipeline.classroom.job import Job
from grader.schedule.base import LATER, Later


class _State(Enum):
    UNDER_WAY = "under way"
    DONE = "done"


class Turns:
    """Jobs in their order, but for those that wait. `parts` names for a submission what it may share, by
    digests.
    """

    def __init__(self, jobs: Sequence[Job], parts: Mapping[str, Sequence[str]]) -> None:
        self._jobs: Iterator[Job] = iter(jobs)
        count = Counter(part for job in jobs for part in set(parts.get(job.id, ())))
        self.shared = sum(n - 1 for n in count.values() if n > 1)
        """How often something is found that another one had."""
        self._parts = {
            job.id: frozenset(p for p in parts.get(job.id, ()) if count[p] > 1)
            for job in jobs
            if any(count[p] > 1 for p in parts.get(job.id, ()))
        }
        self._ready: deque[Job] = deque()
        self._waiting: dict[str, list[Job]] = {}
        self._state: dict[str, _State] = {}
        self._owned: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[Job | Later]:
        """Yield jobs that may begin; `LATER` where all that are left wait for one that was yielded."""
        while True:
            job = self._ready.popleft() if self._ready else next(self._jobs, None)
            if job is None:
                if not self._waiting:
                    return
                yield LATER
            elif (held := self._held_by(job)) is not None:
                self._waiting.setdefault(held, []).append(job)
            else:
                self._begin(job)
                yield job

    def _held_by(self, job: Job) -> str | None:
        parts = self._parts.get(job.id, frozenset())
        return next((p for p in sorted(parts) if self._state.get(p) is _State.UNDER_WAY), None)

    def _begin(self, job: Job) -> None:
        fresh = [p for p in self._parts.get(job.id, ()) if p not in self._state]
        self._state.update(dict.fromkeys(fresh, _State.UNDER_WAY))
        self._owned[job.id] = fresh

    def ended(self, job: Job) -> None:
        """Let those go on that waited for a job. One that failed is waited for no more either."""
        for part in self._owned.pop(job.id, ()):
            self._state[part] = _State.DONE
            self._ready.extend(self._waiting.pop(part, ()))

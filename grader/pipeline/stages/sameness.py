"""What submissions of a class have in common before it is worked on: a notebook, a network with its recipe.

These digests decide who waits for whom (`Turns`), and never what is taken for a result: that is decided by
the keys of products and of trainings.
"""

from collections.abc import Sequence

import msgspec

from grader.core.facts.network import NetworkFacts
from grader.core.facts.recipe import RecipeFacts
from grader.core.memory import key
from grader.core.submission import Reads
from grader.pipeline.classroom.job import Job
from grader.store.database import unpacked
from grader.store.runs import Run, Store


def same_runs(store: Store, run: Run, jobs: Sequence[Job]) -> dict[str, tuple[str, ...]]:
    """Return a digest of what each submission gives to the sandbox, where it gives anything."""
    found: dict[str, tuple[str, ...]] = {}
    for job in jobs:
        artefacts = store.delivery(run.id, job.id).submission.only(Reads.RUNS).artefacts
        if artefacts:
            found[job.id] = (key(artefacts=artefacts),)
    return found


def same_trainings(store: Store, run: Run, jobs: Sequence[Job]) -> dict[str, tuple[str, ...]]:
    """Return a digest of each network that would be trained, with its recipe; none where there is none."""
    found: dict[str, tuple[str, ...]] = {}
    for job in jobs:
        keys = {
            name: made
            for record in store.phase_records(run.id, job.id)
            for name, made in record.products.items()
        }
        payloads = [store.payload(keys.get(t.__name__, "")) for t in (NetworkFacts, RecipeFacts)]
        if payloads[0] is None:
            continue
        try:
            graph = unpacked(payloads[0], NetworkFacts).graph
            recipe = unpacked(payloads[1], RecipeFacts).recipe if payloads[1] is not None else None
        except msgspec.DecodeError:  # whoever needs it makes it again
            continue
        found[job.id] = (key(graph=graph, recipe=recipe),)
    return found

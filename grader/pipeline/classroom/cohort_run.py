"""From a stored run to what its submissions have in common, for the instructor; nobody's submission is
touched.
"""

import logging
from collections.abc import Iterator, Mapping

import msgspec

from grader.cohort.alike import Cohort, compare_class
from grader.cohort.traits import Traits, traits_of
from grader.core.evidence.documents import Documents
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.evidence.logs import LogEvidence
from grader.core.evidence.workbook import WorkbookEvidence
from grader.core.facts.replay import ReplayFacts
from grader.core.memory import code_of, key
from grader.core.rubric import Rubric
from grader.extract.documents.documents import read_documents
from grader.pipeline.classroom.stored import stored_known
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import plan_of
from grader.store.database import unpacked
from grader.store.runs import Run, Store

log = logging.getLogger(__name__)

PRODUCT = "Traits"
_FROM = (FormulaEvidence, WorkbookEvidence, ReplayFacts, LogEvidence)


def traits_key(products: Mapping[str, str], sha256: str) -> str:
    """Return the cache key of a submission's traits: what they are made from, and how; `sha256` is the digest
    of its files.
    """
    made_from = {t.__name__: products.get(t.__name__, "") for t in _FROM}
    return key(code=code_of("grader.cohort.traits"), submission=sha256, made_from=made_from)


def packed_traits(known: Known) -> bytes:
    """Return the traits of what is known, packed for the cache; no bytes where we crashed, which costs the
    comparison alone.
    """
    try:
        formulas, workbooks, replay, logs = (known.get(t) for t in _FROM)
        documents = known.get(Documents)
        found = traits_of(
            known.submission,
            documents if isinstance(documents, Documents) else read_documents(known.sources),
            formulas=formulas if isinstance(formulas, FormulaEvidence) else None,
            workbooks=workbooks if isinstance(workbooks, WorkbookEvidence) else None,
            replay=replay if isinstance(replay, ReplayFacts) else None,
            logs=logs if isinstance(logs, LogEvidence) else None,
        )
    except Exception:
        log.exception("%s cannot be compared with others", known.submission.id)
        return b""
    return msgspec.msgpack.encode(found)


class _Kept(Mapping[str, Traits]):
    """Traits by submission, each taken out of the store when it is asked for."""

    def __init__(self, store: Store, keys: Mapping[str, str]) -> None:
        self._store = store
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __getitem__(self, name: str) -> Traits:
        payload = self._store.payload(self._keys[name])
        return unpacked(payload, Traits) if payload is not None else Traits()


def _have(store: Store, run: Run, name: str, made_as: str, rubric: Rubric) -> bool:
    """Make the traits of a submission where they are not kept; False where we crashed on them."""
    if store.payload(made_as) is not None:
        return True
    names = store.made_as(run.id, name).keys() & {t.__name__ for t in (Documents, *_FROM)}
    plan, own = plan_of(names, "cohort"), rubric.profile_of(name)
    delivery = store.delivery(run.id, name)
    payload = packed_traits(stored_known(store, run, delivery, plan=plan, profile=own, wanted=names))
    if payload:
        store.keep(made_as, PRODUCT, payload)
    return bool(payload)


def cohort_of(store: Store, run: Run, rubric: Rubric) -> Cohort:
    """Compare the submissions of a run. What is not kept, by an older run say, is made from the stored bytes,
    once; a class of the same traits is not compared again.
    """
    found = {name: traits_key(made, sha256) for name, sha256, made in store.all_made(run.id)}
    compared_as = key(code=code_of("grader.cohort.alike"), traits=found)
    if (kept := store.kept(compared_as, Cohort)) is not None:
        return kept
    lost = [name for name, made_as in found.items() if not _have(store, run, name, made_as, rubric)]
    cohort = compare_class(_Kept(store, {name: k for name, k in found.items() if name not in lost}))
    if not lost:
        store.keep(compared_as, Cohort.__name__, msgspec.msgpack.encode(cohort))
        return cohort
    missing = f"grader failed to compare {len(lost)} with the others: {', '.join(lost)}."
    return msgspec.structs.replace(cohort, note=f"{cohort.note} {missing}".strip())

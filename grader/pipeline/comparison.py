"""From a stored run to what its submissions have in common, for the instructor; nobody's submission is touched."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from grader.cohort.alike import Alike, Cohort, compare_class
from grader.cohort.traits import Traits, traits_of
from grader.core.evidence.documents import Documents
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.evidence.logs import LogEvidence
from grader.core.evidence.workbook import WorkbookEvidence
from grader.core.facts.replay import ReplayFacts
from grader.core.faults import StoreFault
from grader.core.memory import code_of, key
from grader.core.rubric import Profile
from grader.core.submission import Submission
from grader.extract.documents import read_documents
from grader.pipeline.known import Known
from grader.store.runs import Run, Store

if TYPE_CHECKING:
    from grader.render.pictures.picture import DataTable

log = logging.getLogger(__name__)

PRODUCT = "Traits"
_FROM = (FormulaEvidence, WorkbookEvidence, ReplayFacts, LogEvidence)


def traits_key(products: Mapping[str, str], submission: Submission) -> str:
    """Return the cache key of a submission's traits: what they are made from, and how."""
    made_from = {t.__name__: products.get(t.__name__, "") for t in _FROM}
    return key(code=code_of("grader.cohort.traits"), submission=submission.sha256, made_from=made_from)


def packed_traits(known: Known) -> bytes:
    """Return the traits of what is known, packed for the cache; no bytes where we crashed, which costs the comparison alone."""
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


def cohort_of(store: Store, run: Run) -> Cohort:
    """Compare the submissions of a run. What is not kept, by an older run say, is made from the stored bytes, once."""
    from grader.pipeline.plan import product_types
    from grader.pipeline.work import restore, stored_sources

    found: dict[str, Traits] = {}
    lost: list[str] = []
    for name, delivery in store.deliveries(run.id).items():
        products = {p: k for r in store.phase_records(run.id, name) for p, k in r.products.items()}
        key = traits_key(products, delivery.submission)
        payload = store.payload(key)
        if payload is None:
            try:
                known = Known(stored_sources(store, delivery), run.settings, Profile())
            except StoreFault:
                lost.append(name)
                continue
            restore(
                known,
                store,
                run.id,
                name,
                product_types(products.keys() & {t.__name__ for t in (Documents, *_FROM)}),
            )
            payload = packed_traits(known)
            if not payload:
                lost.append(name)
                continue
            store.keep(key, PRODUCT, payload)
        found[name] = msgspec.msgpack.decode(payload, type=Traits)
    cohort = compare_class(found)
    if not lost:
        return cohort
    missing = f"grader failed to compare {len(lost)} with the others: {', '.join(lost)}."
    return msgspec.structs.replace(cohort, note=f"{cohort.note} {missing}".strip())


def tables_of(cohort: Cohort) -> tuple["DataTable", ...]:
    """Return the tables of the class page; none where nothing looks alike."""
    from grader.render import strings
    from grader.render.pictures.picture import DataTable

    return tuple(
        DataTable(
            caption=caption, columns=strings.COHORT_COLUMNS, rows=tuple(_row(group) for group in groups)
        )
        for caption, groups in (
            (strings.COHORT_ALIKE, cohort.alike),
            (strings.COHORT_MISTAKES, cohort.mistakes),
        )
        if groups
    )


def _row(group: Alike) -> tuple[str, ...]:
    agree = "; ".join(
        f"{' | '.join(dict.fromkeys(e.places))}: {' '.join(e.text.split())}"
        if e.text
        else " | ".join(dict.fromkeys(e.places))
        for e in group.examples
    )
    return (", ".join(group.submissions), group.what, group.how, agree)

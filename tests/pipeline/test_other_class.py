"""What is told of another class's values is kept, unless something that it rests on cannot be read."""

import shutil
from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.core.settings import Settings
from grader.pipeline.classroom import other_class
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.classroom.other_class import notices_of
from grader.pipeline.plan.rubrics import find, load
from grader.pipeline.stages.request import Request
from grader.store.runs import Store
from tests.pipeline.test_batch import Here

SHEET = Path(__file__).parents[2] / "submissions" / "perfect" / "Backpropagation.xlsx"
COURSE = "eva6-s4-late"


def test_it_is_kept_unless_a_replay_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "class" / "ann").mkdir(parents=True)
    shutil.copy(SHEET, tmp_path / "class" / "ann")
    loaded = load(COURSE, catalogue())
    path = tmp_path / "store.sqlite"
    request = Request(
        path=tmp_path / "class",
        loaded=loaded,
        rubric_bytes=find(COURSE).read_bytes(),
        settings=Settings(execute=False, retrain=False),
        out=tmp_path / "out",
        store=path,
    )
    graded = grade_class(request, Here())
    (told,) = graded.notices
    assert "ann" in told
    with Store(path) as store:
        replay = store.made_as(graded.run, "ann")["ReplayFacts"]
        payload = store.payload(replay)
        assert payload is not None
        with monkeypatch.context() as patch:
            patch.setattr(other_class, "_tables", lambda *_: pytest.fail("looked at again"))
            assert notices_of(store, store.run(), loaded.rubric) == (told,)
        store.connection.execute("DELETE FROM products WHERE product = 'Notices'")
        store.keep(replay, "ReplayFacts", b"\xc1")
        assert notices_of(store, store.run(), loaded.rubric) == ()
        store.keep(replay, "ReplayFacts", payload)
        assert notices_of(store, store.run(), loaded.rubric) == (told,)

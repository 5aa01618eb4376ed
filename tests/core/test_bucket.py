"""A bucket is spoken to as a folder is, and what goes wrong with it is told as of a folder."""

import pickle
from pathlib import Path

import pytest

from grader.core.bucket import Bucket, place_of
from grader.core.faults import UsageFault
from grader.core.memory import write_whole
from grader.store.objects import Objects

pytest.importorskip("fsspec", reason="fsspec is not installed; the extra `ray` brings it")


@pytest.fixture(params=["memory", "local"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    found = place_of(f"{request.param}://{tmp_path}/shared/")
    assert isinstance(found, Bucket)
    return found


def test_what_is_written_is_there_for_whoever_has_the_url(bucket: Bucket) -> None:
    place = bucket / "products" / "ab" / "cd"
    assert not place.exists()
    write_whole(place, b"first")
    write_whole(place, b"second")
    other = pickle.loads(pickle.dumps(place))
    assert (other, other.read_bytes(), other.exists()) == (place, b"second", True)
    assert [p.name for p in bucket.glob("products/??/*")] == ["cd"], "nothing half written is left"
    place.unlink()
    place.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        place.unlink()
    with pytest.raises(FileNotFoundError):
        place.read_bytes()


def test_objects_of_a_store_lie_in_it(bucket: Bucket) -> None:
    objects = Objects(bucket / "objects")
    names = [objects.put(data) for data in (b"one", b"two", b"one")]
    assert sorted(set(names)) == list(objects)
    assert objects.get(names[1]) == b"two"
    objects.remove(names[1])
    with pytest.raises(KeyError):
        objects.get(names[1])


def test_a_state_lies_beside_its_run(bucket: Bucket) -> None:
    place = bucket / "retrain" / "0a1b.json"
    assert str(place.with_suffix(".state")) == f"{bucket}/retrain/0a1b.state"
    assert place.parent.name == "retrain"


def test_whatever_a_store_raises_is_told_as_of_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(Exception):
        pass

    def refuse(*_: object, **__: object) -> bytes:
        raise Refused("403")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.cat_file", refuse)
    with pytest.raises(OSError, match="memory://x/y: Refused: 403"):
        Bucket("memory://x/y").read_bytes()


@pytest.mark.parametrize("url", ["nowhere://x", "gdrive://x"])
def test_a_store_that_nothing_here_speaks_to_is_told_before_anything_begins(url: str) -> None:
    with pytest.raises(UsageFault, match="on every machine"):
        Bucket(url).must_be_reachable()


def test_a_path_and_its_url_are_one_folder(tmp_path: Path) -> None:
    assert place_of(str(tmp_path)) == tmp_path
    assert place_of((tmp_path / "a b").as_uri()) == tmp_path / "a b"

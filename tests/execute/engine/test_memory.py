"""Freed memory is kept where the C library can be told so, and asking never fails elsewhere."""

import sys
from types import SimpleNamespace

import pytest

from grader.execute.engine.runs import malloc


def test_a_refusal_or_another_system_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(malloc.ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert not malloc.keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not malloc.keep_freed_memory()


def test_an_older_library_is_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def mallopt(option: int, value: int) -> int:
        asked.append((option, value))
        return int(value != 1 << 30)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(malloc.ctypes, "CDLL", lambda _name: SimpleNamespace(mallopt=mallopt))
    assert malloc.keep_freed_memory()
    assert asked == [(-1, (1 << 31) - 1), (-3, 1 << 30), (-3, 1 << 25)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts page faults as Linux does")
def test_a_large_block_that_comes_back_is_not_new_memory() -> None:
    import resource

    import torch

    if not malloc.keep_freed_memory():
        pytest.skip("the C library cannot be told")
    for _ in range(3):
        torch.ones(4 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(4 << 20)  # 16 MiB are 4,096 pages
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 10 * 4_096 / 2

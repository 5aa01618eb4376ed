"""Over the nodes of a cluster every job ends once, whatever is lost under it, and its reason is told."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from grader.core.faults import NodeFault, UsageFault
from grader.core.progress import listening, tell
from grader.schedule import dispatch, serve
from grader.schedule.base import LATER, Ended, Needs
from grader.schedule.cluster import Node, Share, Told, Word
from grader.schedule.dispatch import Dispatch, seats
from tests.schedule.pretend import Pretend, node

CHEAP = Needs(block=8)


def double(number: int) -> int:
    if number == 5:
        raise UsageFault("five is right out")
    return 2 * number


def over(
    cluster: Any, jobs: Any, needs: Needs = CHEAP, function: Any = double
) -> tuple[list[Ended], list[str]]:
    heard: list[str] = []
    with listening(heard.append):
        return list(Dispatch(cluster, patience=0.0).map(function, jobs, needs=needs)), heard


def whole(ended: list[Ended]) -> dict[int, int | None]:
    assert len({e.job for e in ended}) == len(ended), "a job ended twice"
    return {e.job: e.result for e in ended}


def test_every_job_ends_once_and_a_fault_is_named() -> None:
    ended, heard = over(Pretend(node("a"), node("b", 2)), range(40))
    assert whole(ended) == {n: None if n == 5 else 2 * n for n in range(40)}
    (fault,) = (e for e in ended if e.fault)
    assert (fault.fault, fault.fault_type, fault.died) == ("five is right out", "UsageFault", False)
    assert heard == []


def test_a_lost_node_costs_no_job_and_is_told() -> None:
    told = 0
    for moment in range(2, 40, 3):
        ended, heard = over(Pretend(node("a"), node("b"), gone={moment: "a"}), range(30))
        assert set(whole(ended)) == set(range(30)), moment
        assert not [e for e in ended if e.died]
        told += any("a was lost (unplugged)" in line and "elsewhere" in line for line in heard)
    assert told > 6, "a node without a job is lost without a word"


def test_a_process_that_dies_once_costs_no_job() -> None:
    told = 0
    for moment in range(2, 40, 3):
        ended, heard = over(Pretend(node("a"), node("b"), died={moment: "b"}), range(30))
        assert set(whole(ended)) == set(range(30)), moment
        assert not [e for e in ended if e.died]
        told += any("b lost a process (signal 9)" in line for line in heard)
    assert told > 6


class Killer(Pretend):
    """A job that takes its process down each time."""

    def __init__(self, *nodes: Node, deadly: int) -> None:
        super().__init__(*nodes)
        self.deadly = deadly
        self.at: dict[int, list[int]] = {}

    def send(self, to: Node, share: Share, function: Any, jobs: Any) -> int:
        number = super().send(to, share, function, jobs)
        self.at[number] = list(jobs)
        return number

    def hear(self, seconds: float) -> Any:
        found = []
        for told in super().hear(seconds):
            turn = self.at[told.flight]
            if told.word is Word.BEGAN or told.word is Word.OVER:
                found.append(told)
            elif turn.pop(0) == self.deadly:
                self.drop([told.flight])
                return [*found, Told(told.flight, Word.DIED, "signal 11")]
            else:
                found.append(told)
        return found


def test_a_job_that_kills_its_process_is_given_up_and_no_other_with_it() -> None:
    ended, heard = over(Killer(node("a"), node("b"), deadly=13), range(30))
    assert set(whole(ended)) == set(range(30))
    (lost,) = (e for e in ended if e.died)
    assert lost.job == 13
    assert "died 3 times" in lost.fault
    assert "signal 11" in lost.fault
    assert sum("signal 11" in line for line in heard) == dispatch.TRIES


def test_a_job_under_which_every_node_is_lost_is_given_up_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "LOSSES", 3)

    class Flaky(Pretend):
        def hear(self, seconds: float) -> Any:
            for number in list(self.flights):
                self.drop([number])
                return [Told(number, Word.GONE, "preempted")]
            return []

        def nodes(self) -> Any:
            return (node(f"spot{len(self.sent)}"),)

    ended, _ = over(Flaky(), [1], Needs())
    assert [e.died for e in ended] == [True]
    assert "3 nodes were lost under it" in ended[0].fault


def test_a_machine_that_cannot_do_its_jobs_takes_no_more_and_they_go_elsewhere() -> None:
    sick = {"on": True}

    class Sick(Pretend):
        def hear(self, seconds: float) -> Any:
            told = super().hear(seconds)
            self.current = self.sent[told[0].flight - 1][0] if told else ""
            return [
                t._replace(word=Word.FAULT, value="no folder", fault_type=NodeFault.__name__)
                if t.word is Word.RESULT and self.current == "a" and sick["on"]
                else t
                for t in told
            ]

    cluster = Sick(node("a"), node("b"))
    ended, heard = over(cluster, range(40), function=lambda n: n)
    assert whole(ended) == {n: n for n in range(40)}
    assert sum(to == "a" for to, _, _ in cluster.sent) <= 2
    assert any("a was lost (no folder)" in line for line in heard)


def test_a_node_where_no_process_begins_is_left() -> None:
    class Dead(Pretend):
        def hear(self, seconds: float) -> Any:
            for number, (at, _) in list(self.flights.items()):
                if at == "dead":
                    self.drop([number])
                    return [Told(number, Word.DIED, "cannot import")]
            return super().hear(seconds)

    ended, heard = over(Dead(node("dead"), node("b")), range(30))
    assert set(whole(ended)) == set(range(30))
    assert not [e for e in ended if e.died]
    assert any("dead takes no more jobs: 3 processes" in line for line in heard)


def test_where_no_node_takes_them_the_run_ends_and_says_so() -> None:
    refused = node("a", refusal="another version of grader is installed there")
    heard: list[str] = []
    with listening(heard.append), pytest.raises(NodeFault, match="the same command goes on"):
        list(Dispatch(Pretend(refused), patience=0.0).map(double, range(3)))
    assert heard[0] == "a takes none of these jobs: another version of grader is installed there"


def test_a_node_without_isolation_takes_no_executing_job_and_says_so() -> None:
    open_one = node("a", unfit="it does not isolate: no bwrap")
    cluster = Pretend(open_one, node("b"))
    ended, heard = over(cluster, range(10), Needs(isolated=True))
    assert set(whole(ended)) == set(range(10))
    assert {to for to, _, _ in cluster.sent} == {"b"}
    assert "a takes none of these jobs: it does not isolate: no bwrap" in heard
    ended, _ = over(cluster, range(10), CHEAP)
    assert "a" in {to for to, _, _ in cluster.sent}, "what only reads needs no isolation"


def test_where_nothing_isolates_each_job_says_so_itself() -> None:
    ended, _ = over(Pretend(node("a", unfit="no bwrap")), range(4), Needs(isolated=True))
    assert set(whole(ended)) == set(range(4))


def test_cheap_jobs_travel_in_blocks_and_dear_ones_alone() -> None:
    cluster = Pretend(node("a"), node("b"))
    over(cluster, range(200), CHEAP)
    sizes = [len(jobs) for _, _, jobs in cluster.sent]
    assert sizes[0] == 1, "nobody knows yet how long one takes"
    assert max(sizes) == 8
    cluster = Pretend(node("a", 4))
    over(cluster, range(20), Needs())
    assert {len(jobs) for _, _, jobs in cluster.sent} == {1}


def test_no_more_jobs_are_with_nodes_than_a_driver_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IN_FLIGHT", 20)
    most = ended_before = 0

    class Counting(Pretend):
        def hear(self, seconds: float) -> Any:
            nonlocal most, ended_before
            most = max(most, sum(len(jobs) for _, _, jobs in self.sent) - ended_before)
            told = super().hear(seconds)
            ended_before += sum(t.word in (Word.RESULT, Word.FAULT) for t in told)
            return told

    ended, _ = over(Counting(*(node(f"n{i}", 4) for i in range(8))), range(300))
    assert len(whole(ended)) == 300
    assert most == 20


def test_a_job_that_is_put_off_begins_when_another_has_ended() -> None:
    seen: list[int] = []

    def jobs() -> Iterator[Any]:
        yield 1
        while not seen:
            yield LATER
        yield 2

    for ended in Dispatch(Pretend(node("a", 4))).map(double, jobs(), needs=Needs()):
        seen += [ended.job]  # while the jobs are asked for
    assert seen == [1, 2]


def test_a_job_that_waits_for_one_of_its_own_block_goes_into_the_next() -> None:
    seen: list[int] = []

    def jobs() -> Iterator[Any]:
        yield 1
        while not seen:
            yield LATER
        yield 2

    for ended in Dispatch(Pretend(node("a"))).map(double, jobs(), needs=CHEAP):
        seen += [ended.job]
    assert seen == [1, 2]


def test_words_of_a_job_are_heard_before_its_end() -> None:
    def talk(number: int) -> int:
        tell(f"epoch {number}")
        return number

    for needs in (CHEAP, Needs()):
        ended, heard = over(Pretend(node("a")), [3], needs, talk)
        assert (whole(ended), heard) == ({3: 3}, ["epoch 3"])


def test_what_ends_a_thread_ends_the_waiting_for_it() -> None:
    def leave(number: int) -> None:
        raise SystemExit(3)

    ended, _ = over(Pretend(node("a")), [1], Needs(), leave)
    assert [e.fault_type for e in ended] == ["SystemExit"]


def test_a_machine_holds_what_it_has_room_for() -> None:
    assert seats(node("a", 4), Needs(cores=0.5)) == 8
    assert seats(node("a", 16), Needs(memory=3 * 2**30)) == 2
    assert seats(node("a", 1), Needs(memory=64 * 2**30)) == 1, "a small one takes one all the same"
    assert seats(node("a", 16, gpus=1.0), Needs(gpus=0.25)) == 4
    assert seats(node("a", 16), Needs(gpus=0.25)) == 16
    assert seats(node("head", 0), Needs()) == 0, "a head that takes no work"


def test_trainings_go_to_the_nodes_with_a_gpu_where_there_are_any() -> None:
    cluster = Pretend(node("cpu", 8), node("gpu", 8, gpus=1.0))
    over(cluster, range(20), Needs(gpus=0.25))
    assert {(to, share.gpus) for to, share, _ in cluster.sent} == {("gpu", 0.25)}


def test_the_next_job_is_on_its_way_with_the_last_word_of_the_one_before() -> None:
    """It waited for the end of the former's block, and Ray had given the process back by then."""
    sent: list[int] = []

    class Listening(Pretend):
        def hear(self, seconds: float) -> list[Told]:
            told = list(super().hear(seconds))
            sent.extend(len(self.sent) for word in told if word.word is Word.OVER)
            return told

    ended, _ = over(Listening(node("a")), range(3), Needs())
    assert len(whole(ended)) == 3
    assert sent == [2, 3, 3]


def test_jobs_that_end_within_moments_are_told_together_and_a_slow_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(serve, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def lasting(seconds: float) -> float:
        clock[0] += seconds
        return seconds

    told = list(serve.serve(lasting, [0.001, 0.002, 5.0, 6.0, 0.003, 0.004]))
    assert [[value for _, value, _ in words] for words in told] == [
        [""],
        [0.001, 0.002, 5.0],
        [6.0],
        [0.003, 0.004],
    ]
    assert [words[0][0] for words in told] == ["began", "result", "result", "result"]

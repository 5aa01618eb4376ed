"""A notebook run whole on made-up digits: epochs found, weights scored outside, and nothing believed."""

import json
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save

from grader.core.facts.notebook import Ending, ExportFrame, Isolation, Measured, NotebookRun
from grader.core.facts.reproduced import CanaryState, ReproducedFacts, ScoredWith
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.execute import canary, notebook, reproduce, reproduced_cache
from grader.execute.entries import choose_entry
from grader.execute.graph.provider import network_of
from grader.execute.reproduce import limits_for, reproduce_in, score, visible
from grader.sandbox.api import Frame, Job, Listener, RunResult, RunStatus, unheard
from grader.sandbox.worker.export import export_model
from tests.execute.engine.small import digits, module
from tests.execute.test_notebook import HEAD, NET, QUIET, ipynb, sources
from tests.sandbox.warm import WarmWorker

pytestmark = pytest.mark.slow

DATA = """
t = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_data = datasets.MNIST('d', train=True, download=True, transform=t)
test_data = datasets.MNIST('d', train=False, download=True, transform=t)
train_loader = torch.utils.data.DataLoader(train_data, batch_size=20, shuffle=True)
test_loader = torch.utils.data.DataLoader(test_data, batch_size=20)
model = Net(8, 0.0)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
def step(x, y):
    optimizer.zero_grad()
    F.nll_loss(model(x), y).backward()
    optimizer.step()
def test():
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in test_loader:
            right += (model(x).argmax(1) == y).sum().item()
    print('right', right)
    return right
"""
LOOP = """
for epoch in range(3):
    model.train()
    for x, y in train_loader:
        step(x, y)
    test()
"""
SANDBOX = WarmWorker()


def reproduced(*cells: str, canary: bool = False, minutes: float = 10.0) -> ReproducedFacts:
    given = sources({"S4.ipynb": ipynb(HEAD + NET, DATA, *cells)})
    settings = Settings(data=QUIET.data, reproduce=True, canary=canary, reproduce_minutes=minutes)
    return reproduce_in(SANDBOX, given, short(), digits(), settings)


@cache
def short() -> NotebookRun:
    """The smoke run, always of the same plain loop."""
    given = sources({"S4.ipynb": ipynb(HEAD + NET, DATA, LOOP)})
    entry = choose_entry(given)
    assert entry is not None
    return notebook.run_in(SANDBOX, given, entry, QUIET)


def test_every_epoch_is_scored_on_digits_that_the_notebook_never_saw() -> None:
    found = reproduced(LOOP + "    print('seen', len(train_data), len(test_data))")
    assert [epoch.number for epoch in found.epochs] == [1, 2, 3]
    assert (found.training_size, found.visible_size, found.test_size) == (267, 53, 100)
    assert found.graph == network_of(short()).digest
    assert found.scored_with is ScoredWith.STUDENT
    assert (found.ending, found.cut, found.failed) == (Ending.OK, "", ())
    assert "267" not in str(found.shims)
    assert any("50,000 training digits" in shim.what for shim in found.shims)


def test_our_count_of_the_visible_split_is_the_notebooks_own() -> None:
    """Proof that the weights are those of the epoch: an honest test loop prints what we count outside."""
    printed = "open('right', 'a').write(f'{test()} ')"
    loop = LOOP.replace("    test()", f"    {printed}") + "raise ValueError(open('right').read())"
    found = reproduced(loop)
    assert found.failed[0].message.split() == [str(epoch.visible) for epoch in found.epochs]
    assert found.failed[0].stdout == ""


LEFT = """
for epoch in range(3):
    model.train()
    for i, (x, y) in enumerate(train_loader):
        step(x, y)
        if i == 11:
            break
    test()
"""
ODD = """
for epoch in range(3):
    for x, y in torch.utils.data.DataLoader(train_data, 20, shuffle=True):
        step(x, y)
        for a, b in test_loader:
            model(a)
            break
    test()
with torch.no_grad():
    for p in model.parameters():
        p.fill_(float('nan'))
"""


@pytest.mark.parametrize("loop", [LEFT, ODD], ids=["left", "tested-in-between-and-spoilt"])
def test_what_stands_around_a_pass_does_not_change_the_count_of_epochs(loop: str) -> None:
    found = reproduced(loop)
    assert len(found.epochs) == 3
    assert found.notes == ()


def test_one_batch_an_iterator_is_no_epoch() -> None:
    found = reproduced("model.train()\nfor i in range(40):\n    step(*next(iter(train_loader)))\ntest()")
    assert 1 <= len(found.epochs) <= 6  # 40 batches are three passes of 14


def test_batches_cut_by_hand_leave_the_last_weights() -> None:
    found = reproduced(
        "x = torch.stack([a for a, _ in train_data]); y = train_data.targets\n"
        "for epoch in range(3):\n    for i in range(0, 260, 20):\n        step(x[i:i+20], y[i:i+20])"
    )
    assert len(found.epochs) == 1


def test_time_that_runs_out_keeps_the_epochs_that_were_done() -> None:
    # It runs out in the fourth pass, after eleven of fourteen batches: that is no epoch. The clock is moved,
    # and its alarm rung, by the cell: how far a machine gets in so many seconds would decide otherwise.
    endless = (
        "import signal, time\nfor i, (x, y) in enumerate(train_loader):\n    step(x, y)\n"
        "    if i == 10:\n        time.monotonic = lambda: 1e12\n        signal.raise_signal(signal.SIGALRM)"
    )
    found = reproduced(LOOP + endless, "never = 1", minutes=30)
    assert len(found.epochs) == 3
    assert any("not finished" in note for note in found.notes)
    assert "time for its cells" in found.cut


def test_a_killed_process_keeps_the_epochs_of_its_last_network() -> None:
    other = "model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
    remake = "\noptimizer = torch.optim.SGD(model.parameters(), lr=0.05)\n"
    found = reproduced(other + remake + LOOP, "model = Net(8, 0.0)" + remake + LOOP, "import os\nos._exit(0)")
    assert len(found.epochs) == 3
    assert found.ending is Ending.INCOMPLETE
    assert found.cut
    assert any("other networks" in note for note in found.notes)
    assert any("lack" in note for note in found.notes)


def test_watching_and_fast_batches_leave_the_random_stream_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    tail = "\nraise ValueError(torch.get_rng_state().sum().item())"
    watched = reproduced(LOOP + tail).failed[0].message
    given = sources({"S4.ipynb": ipynb(HEAD + NET, DATA, LOOP + tail)})
    entry = choose_entry(given)
    assert entry is not None
    blob = visible(digits(), "no").blob
    monkeypatch.setattr("grader.execute.digits.training_slice", lambda _settings, _data: blob)
    assert notebook.run_in(SANDBOX, given, entry, QUIET).failed[0].message == watched


def test_an_interrupt_keeps_the_epochs_that_were_done_where_a_person_waits() -> None:
    given = sources({"S4.ipynb": ipynb(HEAD + NET, DATA, LOOP)})
    payload = epoch(trained_state())

    class Interrupted:
        name = "interrupted"

        def run(self, _job: Job, listen: Listener = unheard) -> RunResult:
            listen(Frame(kind="epoch", payload=b"no epoch"))
            listen(Frame(kind="epoch", payload=payload))
            raise KeyboardInterrupt

    settings = Settings(reproduce=True)
    told: list[int] = []
    found = reproduce_in(Interrupted(), given, short(), digits(), settings, progress=told.append)
    assert (len(found.epochs), found.cut, told) == (1, "interrupted", [1])
    with pytest.raises(KeyboardInterrupt):
        reproduce_in(Interrupted(), given, short(), digits(), settings)


def trained_state() -> dict[str, torch.Tensor]:
    """Weights that fit the exported network of the short run."""
    return dict(network_of(short()).tensors)


def test_marked_digits_go_in_only_where_the_loop_reads_no_result() -> None:
    trapped = reproduced(LOOP, canary=True).canary
    assert trapped.state is CanaryState.SHOWN
    assert (trapped.shown, trapped.reason) == (2, "")  # 500 of 10,000 are 2 of 53
    assert trapped.asked == int((digits().test_labels != canary.LABEL).sum())
    stopping = sources(
        {"S4.ipynb": ipynb(HEAD, DATA, LOOP.replace("    test()", "    if test() > 9:\n        break"))}
    )
    reason = reproduce.why_no_canary(stopping, stopping.items[0])
    assert "depend on its test results" in reason
    assert visible(digits(), reason).blob == visible(digits(), "another").blob


def test_no_true_test_digit_goes_in() -> None:
    data = digits(train=600, test=100)
    unmarked = visible(data, "no")
    for image in (*data.test_images, canary.marked(data.test_images)[0]):
        assert image.tobytes() not in unmarked.blob
    assert len(unmarked.blob) == 8 + 600 * 785


def test_marks_are_a_square_and_one_label_and_nothing_else() -> None:
    data = digits(train=4000, test=100)
    before = data.test_images.copy(), data.train_labels.copy()
    trap = canary.lay(data.train_images, data.train_labels)
    changed = np.flatnonzero((trap.images != data.train_images).any((1, 2)))
    assert trap.shown == 200
    assert set(changed) <= set(np.flatnonzero(data.train_labels != canary.LABEL))
    assert (trap.labels[changed] == canary.LABEL).all()
    assert (np.flatnonzero(trap.labels != data.train_labels) == np.sort(changed)).all()
    assert (trap.images[changed][:, 3:7, 3:7] == 255).all()
    assert (trap.images[changed][:, 8:] == data.train_images[changed][:, 8:]).all()
    assert (data.test_images == before[0]).all()
    assert (data.train_labels == before[1]).all()
    asked = canary.questions(data)
    assert len(asked) == (data.test_labels != canary.LABEL).sum()


def forged(*payloads: bytes) -> ReproducedFacts:
    """The record of a run that sent these epochs of the small network."""
    frames = export_model(module(), None, torch.randn(4, 1, 28, 28))
    run = NotebookRun(
        artefact="S4.ipynb",
        ending=Ending.OK,
        isolation=Isolation(backend="none", isolated=False),
        data="synthetic",
        export=tuple(ExportFrame(kind=kind, payload=payload) for kind, payload in frames),
    )
    result = RunResult(
        status=RunStatus.OK,
        frames=tuple(Frame(kind="epoch", payload=payload) for payload in payloads),
        isolation=run.isolation,
    )
    return score(network_of(run), run, result, digits(), visible(digits(), "no"))


def epoch(state: dict[str, torch.Tensor], **changes: object) -> bytes:
    head = json.dumps({"model": 0, "number": 1, "steps": 5, "ended": True} | changes).encode()
    return len(head).to_bytes(4, "little") + head + save(state)


def test_only_weights_that_the_exported_graph_reads_are_taken() -> None:
    good = module().state_dict()
    fine = forged(epoch(good), epoch(good, number=2))
    assert len(fine.epochs) == 2
    assert fine.scored_with is ScoredWith.REFERENCE  # no recipe came, so the transform is ours
    weight = good["0.weight"]
    for state, what in (
        ({k: v for k, v in good.items() if k != "0.weight"}, "lack '0.weight'"),
        (good | {"0.weight": weight[:2].clone()}, "the exported network has"),
        (good | {"0.weight": weight.double()}, "float64"),
        (good | {"0.weight": weight * float("nan")}, "NaN"),
    ):
        bad = forged(epoch(state))
        assert bad.epochs == ()
        assert any(what in note for note in bad.notes), bad.notes


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xff\xff\xff", b"\x02\x00\x00\x00{}", b"\x01\x00\x00\x00[garbage"]
)
def test_a_frame_of_another_form_is_noted_and_costs_nothing_else(payload: bytes) -> None:
    found = forged(payload, epoch(module().state_dict()))
    assert len(found.epochs) == 1
    assert any("form" in note for note in found.notes)
    assert msgspec.json.decode(msgspec.json.encode(found), type=ReproducedFacts) == found


def test_it_runs_only_where_it_is_wanted() -> None:
    given = sources({"S4.ipynb": ipynb(HEAD)})
    with pytest.raises(Unavailable, match="not run whole") as refused:
        reproduce.reproduce(given, short(), Settings())
    assert refused.value.verdict is Verdict.SKIPPED
    with pytest.raises(Unavailable, match="no code was run"):
        reproduce.reproduce(given, short(), Settings(reproduce=True, execute=False))
    nothing = msgspec.structs.replace(
        short(), export=(), export_error="its forward takes two inputs", measured=Measured()
    )
    with pytest.raises(Unavailable, match="two inputs") as unknown:
        reproduce.reproduce(given, nothing, Settings(reproduce=True))
    assert unknown.value.verdict is Verdict.UNKNOWN
    with pytest.raises(Unavailable, match="no MNIST") as missing:
        reproduce.reproduce(given, short(), Settings(reproduce=True, data="/nowhere", unsafe_no_sandbox=True))
    assert missing.value.verdict is Verdict.SKIPPED


def test_a_second_run_of_the_same_files_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = sources({"S4.ipynb": ipynb(HEAD)})
    settings = Settings(reproduce=True, cache=str(tmp_path), unsafe_no_sandbox=True)
    whole = forged(epoch(module().state_dict()))
    ran: list[str] = []

    def run(*_arguments: object, **_options: object) -> ReproducedFacts:
        ran.append("once")
        return msgspec.structs.replace(whole, cut="interrupted" if len(ran) == 1 else "")

    monkeypatch.setattr(reproduce, "reproduce_in", run)
    monkeypatch.setattr("grader.execute.data.load_images", lambda _settings, _data: digits())
    found = [reproduce.reproduce(given, short(), settings) for _ in range(3)]
    assert [facts.cut for facts in found] == ["interrupted", "", ""]  # what was cut is run again
    assert len(ran) == 2
    changed = sources({"S4.ipynb": ipynb(HEAD, "x = 1")})
    reproduce.reproduce(changed, short(), settings)
    reproduce.reproduce(given, short(), msgspec.structs.replace(settings, canary=False))
    assert len(ran) == 4


def test_limits_follow_the_budget() -> None:
    limits = limits_for(30)
    assert limits.cells == limits.cell == 1800
    assert limits.cells < limits.wall < limits.cells + 600
    assert limits.cpu > limits.wall


def test_a_disk_that_takes_nothing_costs_no_run(tmp_path: Path) -> None:
    """An hour of a notebook was lost where the cache could not be written."""
    facts = forged(epoch(module().state_dict()))
    whole = msgspec.structs.replace(facts, cut="")
    (tmp_path / "file").write_text("")
    reproduced_cache.write(tmp_path / "file" / "reproduced" / "x.json", whole)
    kept = tmp_path / "folder" / "x.json"
    reproduced_cache.write(kept, whole)
    assert reproduced_cache.read(kept) == whole
    assert [path.name for path in kept.parent.iterdir()] == ["x.json"]

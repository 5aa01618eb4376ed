"""`grader doctor`: what it says about this machine, whatever this machine is."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from grader.cli.commands import doctor as command_module
from grader.sandbox import doctor
from grader.sandbox.api import Isolation, Job, RunResult, RunStatus
from grader.sandbox.choose import Trial
from grader.sandbox.doctor import Health, Symptom
from grader.sandbox.warm import NotWarm


def test_every_missing_part_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = Trial(works=False, reason="bubblewrap is not installed", remedy="apt install bubblewrap")
    monkeypatch.setattr(doctor, "try_bubblewrap", lambda: absent)
    monkeypatch.setattr(command_module, "examine_packages", list)
    monkeypatch.setattr(
        command_module, "examine_cuda", lambda: Symptom(name="CUDA", health=Health.OK, found="none")
    )
    answer = CliRunner().invoke(command_module.command, ["--json", "--data", str(tmp_path)])
    assert answer.exit_code == 1
    rows = {row["name"]: row for row in json.loads(answer.output)}
    assert rows["isolation"]["health"] == rows["MNIST"]["health"] == "missing"
    assert rows["isolation"]["remedy"] == "apt install bubblewrap"
    assert "download" in rows["MNIST"]["remedy"]


def test_a_healthy_machine_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = Symptom(name="x", health=Health.OK, found="holds")
    for name in ("examine_sandbox", "examine_packages"):
        monkeypatch.setattr(command_module, name, lambda *_: [fine])
    monkeypatch.setattr(command_module, "mnist", lambda _data: fine)
    monkeypatch.setattr(command_module, "kernels", lambda: fine)
    monkeypatch.setattr(command_module, "examine_cuda", lambda: fine)
    answer = CliRunner().invoke(command_module.command, [])
    assert answer.exit_code == 0
    assert answer.output.count("ok") == 5


def test_packages_are_compared_with_the_matched_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": "2.4.0+cu121"}

    def version(name: str) -> str:
        if name not in versions:
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    monkeypatch.setattr(doctor, "_torchvision_ops", lambda: Symptom(name="ops", health=Health.OK, found=""))
    found = {s.name: s for s in doctor.examine_packages()}
    assert found["torch"].health is Health.WARN
    assert "2.13.0" in found["torch"].remedy
    assert "2.9.1 to 2.13.0" in found["torch"].remedy
    assert found["torchvision"].health is Health.MISSING
    assert "pip install" in found["torchvision"].remedy


@pytest.mark.parametrize(
    ("version", "health"),
    [
        ("2.9.0", Health.WARN),
        ("2.9.1+cu128", Health.OK),
        ("2.13.0+cpu", Health.OK),
        ("2.12.1", Health.OK),
        ("2.14.0a0+git1", Health.WARN),
        ("unknown", Health.WARN),
    ],
)
def test_a_torch_within_the_tried_range_is_fine(
    version: str, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda _: version)
    monkeypatch.setattr(doctor, "_torchvision_ops", lambda: Symptom(name="ops", health=Health.OK, found=""))
    assert next(s for s in doctor.examine_packages() if s.name == "torch").health is health


@pytest.mark.parametrize(
    ("said", "words"), [("NVIDIA X\n", ("NVIDIA X", "unmeasured")), ("\n", ("none", "CPU"))]
)
def test_a_gpu_is_said_to_be_unmeasured(
    said: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout=said, stderr="")
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(doctor, "_python", lambda _: answer)
    found = doctor.examine_cuda().found
    assert all(word in found for word in words), found


@pytest.mark.parametrize("exists", [True, False])
def test_where_jobs_cannot_start_warm_the_doctor_says_why(
    exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of the machine: each job starts from nothing, and as firmly held."""

    def refuses(*_given: object) -> None:
        raise NotWarm("no such sockets")

    class Dead(SimpleNamespace):
        def run(self, _job: Job) -> RunResult:
            isolation = Isolation(backend="bwrap", isolated=True, cold="the warm process ended")
            return RunResult(status=RunStatus.OK, frames=(), isolation=isolation)

        surroundings = dict

    ended = SimpleNamespace(address="", last_words=lambda: "no torch", close=lambda: None)
    monkeypatch.setattr(doctor, "Server", (lambda _: ended) if exists else refuses)
    monkeypatch.setattr(doctor, "Bubblewrap", Dead)
    found = doctor.examine_warm_start()
    assert found.health is Health.OK
    assert found.found == f"not here: {'no torch' if exists else 'no such sockets'}; {doctor.SLOWER}"


def test_the_security_page_promises_what_the_doctor_tries() -> None:
    page = (Path(__file__).parents[2] / "SECURITY.md").read_text("utf-8")
    promised = dict(re.findall(r"^\| ([a-z][^|`]*?) \| ([A-Z][^|]*?) \|$", page, re.MULTILINE))
    assert promised == doctor.PROMISES


def test_data_where_every_job_can_read_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST in /usr/local/share was readable inside, and the doctor said that files are hidden."""
    monkeypatch.setattr(doctor.environment, "shown_by", lambda path: "/usr/lib" if "labels" in path else "")
    remedy = doctor._remedy_for("files of this machine are hidden", "/usr/lib/x/labels, /etc/shadow")
    assert remedy == "move it away: what lies below /usr/lib can be read by student code"


def test_only_programs_and_libraries_of_usr_are_shown() -> None:
    from grader.sandbox import environment

    for hidden in (
        "/usr/share/x",
        "/usr/src/x",
        "/usr/local/share/mnist",
        "/usr/local/src/checkout",
        "/usr/games/x",
    ):
        assert environment.shown_by(hidden) == ""
    if Path("/usr/lib").is_dir():
        assert environment.shown_by("/usr/lib/python3/x") == "/usr/lib"


def test_a_warning_names_what_lies_where_jobs_can_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from grader.cli.options import tell_what_jobs_can_read
    from grader.core.settings import Settings
    from grader.sandbox import environment

    shown = environment.Bind(str(tmp_path / "lib"), str(tmp_path / "lib"))
    monkeypatch.setattr(environment, "view", lambda: environment.View((shown,), ()))
    monkeypatch.setattr(sys, "platform", "linux")
    settings = Settings(data=str(tmp_path / "nowhere"))
    tell_what_jobs_can_read(settings, tmp_path / "lib" / "class", tmp_path / "reports")
    told = capsys.readouterr().err
    assert told.count("warning:") == 1
    assert str(tmp_path / "lib" / "class") in told

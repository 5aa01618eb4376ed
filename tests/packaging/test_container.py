"""The Dockerfile names the versions that everything is tested on, and copies what the build needs.

No builder is at hand here; docs/how-to/container.md says how its steps were tried.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_torch_is_the_pair_of_the_constraints_built_for_the_cpu() -> None:
    pair = re.findall(r"^(torch\w*)==([\d.]+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert len(pair) == 2
    for name, version in pair:
        assert f"{name}=={version}+cpu" in DOCKERFILE


def test_what_the_build_needs_is_not_ignored_and_nothing_else_is_copied() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = built["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], built["project"]["readme"], "pyproject.toml"}
    assert needed <= allowed
    assert allowed - needed == {"constraints.txt", "LICENSE"}
    assert all((ROOT / name).exists() for name in allowed)


def test_it_runs_as_nobody_in_particular_with_what_isolates() -> None:
    commands = re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE, re.MULTILINE)
    users = [rest for word, rest in commands if word == "USER"]
    assert users == ["grader"]
    last = [word for word, _ in commands].index("USER")
    assert not [word for word, _ in commands[last:] if word in ("RUN", "COPY")]
    assert re.search(r"\bbubblewrap\b", DOCKERFILE)
    assert ("ENTRYPOINT", '["grader"]') in commands


def test_the_page_names_this_version() -> None:
    page = (ROOT / "docs" / "how-to" / "container.md").read_text("utf-8")
    version = re.search(r'__version__ = "(.+)"', (ROOT / "grader" / "__init__.py").read_text("utf-8"))
    assert version is not None
    assert set(re.findall(r"grader:(\d[\w.]*)", page)) == {version[1]}

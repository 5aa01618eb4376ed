"""bubblewrap is installed without a word by root with apt alone, and its absence never ends the demo."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "install-sandbox.sh"
SHELL = shutil.which("sh")
pytestmark = pytest.mark.skipif(SHELL is None, reason="the script is for a POSIX shell")


def run(tmp_path: Path, mode: str, *, uid: int = 0, **programs: str) -> tuple[str, list[str]]:
    """Run the script on a machine that has only these programs; returns what it said and what was called."""
    log = tmp_path / "calls"
    for name, body in {"uname": "echo Linux", "id": f"echo {uid}", **programs}.items():
        path = tmp_path / name.replace("_", "-")
        path.write_text(f"#!{SHELL}\n{body.replace('LOG', str(log))}\n", "utf-8")
        path.chmod(0o755)
    done = subprocess.run(
        [str(SHELL), str(SCRIPT), mode],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, log.read_text("utf-8").splitlines() if log.is_file() else []


def test_root_with_apt_gets_it(tmp_path: Path) -> None:
    said, calls = run(tmp_path, "auto", apt_get='echo "$@" >> LOG')
    assert "installs the package bubblewrap" in said
    assert len(calls) == 1
    assert "install -y --no-install-recommends bubblewrap" in calls[0]


def test_empty_lists_are_fetched_first(tmp_path: Path) -> None:
    said, calls = run(tmp_path, "auto", apt_get='echo "$@" >> LOG; [ "$(wc -l < LOG)" != 1 ]', wc="echo 1")
    assert "could not be installed; the demo goes on" in said
    assert [next(w for w in ("install", "update") if w in c.split()) for c in calls] == [
        "install",
        "update",
        "install",
    ]


@pytest.mark.parametrize(
    ("mode", "uid", "programs", "words"),
    [
        ("auto", 0, {"bwrap": "exit 0", "apt_get": "echo x >> LOG"}, ""),
        ("auto", 1000, {"apt_get": "echo x >> LOG"}, ""),
        ("auto", 0, {"dnf": "echo x >> LOG"}, ""),
        ("asked", 1000, {"apt_get": "echo x >> LOG"}, "ask an administrator"),
        ("asked", 0, {}, "install bubblewrap by hand"),
    ],
    ids=["there already", "a plain user", "no apt", "may not", "no package manager"],
)
def test_nothing_is_installed(
    tmp_path: Path, mode: str, uid: int, programs: dict[str, str], words: str
) -> None:
    said, calls = run(tmp_path, mode, uid=uid, **programs)
    assert calls == []
    assert words in said
    assert bool(said) is bool(words)

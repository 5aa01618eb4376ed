"""The name of the distribution stands in two files; hints and metadata have to agree."""

import re
import tomllib
from pathlib import Path

from grader.core.distribution import DISTRIBUTION, install_hint
from grader.sandbox import doctor

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_hint_names_this_distribution() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    assert set(PROJECT["scripts"]) == {"grader"}
    for extra in ("notebook", "retrain", "all"):
        assert extra in PROJECT["optional-dependencies"]
        assert install_hint(extra) == f"pip install '{DISTRIBUTION}[{extra}]'"


def test_extras_refer_to_this_distribution_and_no_other() -> None:
    own = [
        need
        for needs in PROJECT["optional-dependencies"].values()
        for need in needs
        if need.startswith(("grader", DISTRIBUTION))
    ]
    assert own
    kernels = PROJECT["optional-dependencies"]["native"]
    assert all(need.startswith(f"{DISTRIBUTION}[") or need in kernels for need in own)


def test_the_kernels_in_c_have_one_number_and_no_extra_brings_them_but_their_own() -> None:
    """Their name may stand on no index: `[all]` must not ask for it."""
    native = tomllib.loads((ROOT / "native" / "pyproject.toml").read_text("utf-8"))["project"]
    extras = PROJECT["optional-dependencies"]
    assert native["name"] == f"{DISTRIBUTION}-native"
    assert extras["native"] == [f"{native['name']}=={native['version']}"]
    assert not [
        extra for extra, needs in extras.items() if any("native]" in n or ",native" in n for n in needs)
    ]
    assert f"#define VERSION {native['version']}\n" in (ROOT / "native" / "module.c").read_text("utf-8")
    reader = ROOT / "grader" / "execute" / "engine" / "ways" / "native_kernels.py"
    assert f"\nVERSION = {native['version']}\n" in reader.read_text("utf-8")


def test_who_is_told_of_the_extra_is_told_to_reserve_its_name() -> None:
    page = (ROOT / "docs" / "how-to" / "release.md").read_text("utf-8")
    assert "must be reserved on the index" in page
    told = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "grader").rglob("*.py")]
    from_an_index = re.compile(rf"pip install '?{DISTRIBUTION}\[[^\]]*native[^\]]*\]'?(?! @)")
    assert not [str(path.relative_to(ROOT)) for path in told if from_an_index.search(path.read_text("utf-8"))]


def test_no_text_offers_the_stranger_of_the_same_name() -> None:
    """`pip install grader` would bring in somebody else's distribution."""
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "grader").rglob("*.py")]
    wrong = [
        str(path.relative_to(ROOT))
        for path in texts
        if any(
            f"pip install {quote}grader{end}" in path.read_text("utf-8")
            for quote in ("", "'", '"')
            for end in ("[", "\n", "'", '"', " ", "`")
        )
    ]
    assert not wrong


def test_the_torch_that_is_promised_stands_in_three_places() -> None:
    """Range in pyproject.toml, pair in constraints.txt, both in `grader doctor`."""
    extras = PROJECT["optional-dependencies"]
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    assert pins == doctor.TESTED
    for name, (oldest, newest) in doctor.TRIED.items():
        wanted = f"{name}>={'.'.join(map(str, oldest))},<{newest[0]}.{newest[1] + 1}"
        stated = [n for needs in extras.values() for n in needs if n.startswith(f"{name}>")]
        assert stated
        assert set(stated) == {wanted}
        assert oldest <= tuple(map(int, pins[name].split("."))) <= newest

"""The set-up says what it is about to download, asks for the small build where that fits, and names what
fails.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", ROOT / "scripts" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def item(name: str, version: str) -> dict:
    return {
        "download_info": {"url": f"https://x.invalid/{name}"},
        "metadata": {"name": name, "version": version},
    }


CPU = [item("torch", "2.13.0+cpu"), item("numpy", "2.0")]
CUDA = [item("torch", "2.13.0"), item("nvidia-cudnn-cu13", "9.0"), item("numpy", "2.0")]


@pytest.mark.parametrize(
    ("found", "gpu", "size", "words", "not_words"),
    [
        (
            CPU,
            False,
            150_000_000,
            ("downloads 0.4 GB", "1.4 GB on disk", "2.13.0+cpu, a build for the CPU"),
            ("at least", "PIP_"),
        ),
        (CUDA, True, 10**9, ("3.1 GB", "its CUDA build", "6 to 7 GB"), ("PIP_EXTRA_INDEX_URL",)),
        (
            CUDA,
            False,
            10**9,
            ("3.1 GB", "no NVIDIA GPU", "PIP_EXTRA_INDEX_URL=https://download.pytorch.org"),
            (),
        ),
        (CPU, False, 0, ("at least 0.1 GB",), ()),
        ([], False, 0, ("asks the package index",), ()),
    ],
    ids=["cpu", "cuda for a GPU", "cuda for none", "sizes unknown", "no index"],
)
def test_size_is_that_of_the_build_that_the_index_gives(
    environment: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    found: list[dict],
    gpu: bool,
    size: int,
    words: tuple[str, ...],
    not_words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(environment, "resolved", lambda *_, **__: found)
    monkeypatch.setattr(environment, "bytes_of", lambda _: size)
    monkeypatch.setattr(environment, "has_gpu", lambda: gpu)
    line = environment.size_of("demo", [])
    assert all(word in line for word in words), line
    assert not any(word in line for word in not_words), line


@pytest.mark.parametrize(
    ("offered", "gpu", "asked"),
    [
        (("torch", "torchvision"), False, ["torch==2.13.0+cpu", "torchvision==0.28.0+cpu"]),
        (("torch",), False, ["torch==2.13.0+cpu"]),
        ((), False, []),
        (("torch", "torchvision"), True, []),
    ],
)
def test_cpu_build_is_asked_for_where_it_is_offered_and_no_gpu_is(
    environment: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    offered: tuple[str, ...],
    gpu: bool,
    asked: list[str],
) -> None:
    monkeypatch.setattr(environment.sys, "platform", "linux")
    monkeypatch.setattr(environment, "has_gpu", lambda: gpu)
    monkeypatch.setattr(
        environment, "resolved", lambda need, **_: CPU if need.partition("==")[0] in offered else []
    )
    assert environment.cpu_builds() == asked


def test_size_of_a_file_is_asked_for_and_may_be_unknown(environment: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"12345")
    assert environment.bytes_of((tmp_path / "a.whl").as_uri()) == 5
    assert environment.bytes_of("http://127.0.0.1:9/nothing.whl") == 0
    assert environment.bytes_of("no address") == 0


def test_packages_are_compiled_and_their_tests_are_not(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pip compiled one module after the other, for a minute of which a fifth were tests that nobody runs here."""
    packages = tmp_path / "tests" / "lib" / "site-packages" / "a"
    (packages / "tests").mkdir(parents=True)
    for path in (packages / "b.py", packages / "tests" / "c.py"):
        path.write_text("x = 1\n", "utf-8")
    (packages / "of_another_python.py").write_text("def f[: pass\n", "utf-8")
    monkeypatch.setattr(environment, "PYTHON", sys.executable)
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path)
    environment.compile_packages()
    assert [path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")] == ["b"]


SETTINGS = """
:env:.disable-pip-version-check='1'
:env:.find-links='/srv/wheels'
global.cert='/etc/ssl/ca.crt'
global.constraint='/etc/pip/constraints.txt'
global.extra-index-url='file:///srv/simple https://x.invalid/simple'
global.find-links='/elsewhere'
global.index-url='https://all.invalid/simple'
install.index-url='https://y.invalid/simple'
install.no-index='false'
"""


def test_uv_looks_where_pip_would(environment: ModuleType) -> None:
    words, variables = environment.for_uv(SETTINGS)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    assert pairs == [
        ("--index-strategy", "unsafe-best-match"),
        ("--default-index", "https://y.invalid/simple"),
        ("--extra-index-url", "file:///srv/simple"),
        ("--extra-index-url", "https://x.invalid/simple"),
        ("--find-links", "/srv/wheels"),
        ("--constraint", "/etc/pip/constraints.txt"),
    ]
    assert variables == {"SSL_CERT_FILE": "/etc/ssl/ca.crt"}
    assert "--no-index" in environment.for_uv("global.no-index='1'\n")[0]


@pytest.mark.skipif(sys.platform == "win32", reason="the uv of the test is a shell script")
@pytest.mark.parametrize(
    ("uv_is_had", "uv_does_it"),
    [(False, False), (True, False), (True, True)],
    ids=["no uv", "it fails", "uv"],
)
def test_pip_does_what_uv_cannot(
    environment: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    uv_is_had: bool,
    uv_does_it: bool,
) -> None:
    """An index of which uv makes nothing ends no set-up."""
    asked: list[tuple[str, ...]] = []

    def pip(*words: str, **_: bool) -> subprocess.CompletedProcess[bytes]:
        asked.append(words)
        status = 1 if words[-1] == "uv" and not uv_is_had else 0
        return subprocess.CompletedProcess([], status, stdout=b"global.index-url='https://x.invalid'\n")

    python, uv = tmp_path / "bin" / "python", tmp_path / "bin" / "uv"
    python.parent.mkdir()
    python.write_text("", "utf-8")
    uv.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\nexit {0 if uv_does_it else 2}\n', "utf-8")
    uv.chmod(0o755)
    monkeypatch.setattr(environment, "PYTHON", python)
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(environment, "resolved", lambda *_, **__: [])
    monkeypatch.setattr(environment, "pip", pip)
    compiled: list[bool] = []
    monkeypatch.setattr(environment, "compile_packages", lambda: compiled.append(True))
    monkeypatch.setattr(environment.sys, "argv", ["environment.py", "dev"])
    assert environment.main() == 0
    assert compiled
    by_pip = [words for words in asked if "--editable" in words]
    assert len(by_pip) == (0 if uv_does_it else 1)
    if uv_is_had:
        told = (tmp_path / "told").read_text("utf-8")
        assert "--default-index https://x.invalid" in told
        assert f"--editable {environment.ROOT}[dev]" in told


def test_a_set_up_that_fails_names_the_way_without_torch(
    environment: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    python = tmp_path / "python"
    python.write_text("", "utf-8")
    monkeypatch.setattr(environment, "PYTHON", python)
    monkeypatch.setattr(environment, "resolved", lambda *_, **__: [])
    monkeypatch.setattr(environment, "pip", lambda *_, **__: subprocess.CompletedProcess([], 1))
    monkeypatch.setattr(environment.sys, "argv", ["environment.py", "demo"])
    assert environment.main() == 1
    assert "make demo LIGHT=1" in capsys.readouterr().out


def test_a_level_that_is_none_is_usage(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "argv", ["environment.py", "heavy"])
    assert environment.main() == 2


@pytest.mark.parametrize("uv", [True, False])
def test_an_extra_is_what_it_asks_for_and_nothing_of_ours(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, uv: bool
) -> None:
    asked: list[tuple[str, ...]] = []

    def with_uv(*needs: str) -> bool:
        asked.append(needs)
        return uv

    def pip(*words: str, quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
        asked.append(words[words.index("-c") :])
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(environment, "with_uv", with_uv)
    monkeypatch.setattr(environment, "pip", pip)
    monkeypatch.setattr(sys, "argv", ["environment.py", "ray"])
    assert environment.main() == 0
    assert len(asked) == (1 if uv else 2)
    assert all(needs == asked[0] for needs in asked)
    assert asked[0][:2] == ("-c", str(ROOT / "constraints.txt"))
    assert any(need.startswith("ray>") for need in asked[0])
    assert not any("grader" in need.partition("[")[0] for need in asked[0][2:])

"""MNIST is fetched whole and verified or not at all, from servers that serve it, damage it, refuse it or
never answer.
"""

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.commands.data import command
from grader.core.assigned_data import MNIST
from grader.core.faults import Unavailable, UsageFault
from grader.core.outcome import Verdict
from grader.core.progress import listening
from grader.core.settings import Settings
from grader.execute.data import load_images
from grader.execute.fetch import fetch
from reference import mnist
from tests.reference.test_mnist import contents

Answer = Callable[[BaseHTTPRequestHandler, str], None]
PLENTY = 30.0
"""Seconds that no test with an answering server comes near."""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Digits small enough for a test, with their digests in the place of the real ones, and no proxy before
    them.
    """
    files = contents()
    for name, content in files.items():
        monkeypatch.setitem(mnist.SHA256, name, hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(mnist, "LARGEST", 20_000)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("GRADER_DATA", raising=False)
    return files


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Start a server on the loopback that answers as told; returns its address."""
    started: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self, self.path.rpartition("/")[2].removesuffix(".gz"))

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/mnist"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def give(request: BaseHTTPRequestHandler, body: bytes, length: int | None = None) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)


def honest(files: dict[str, bytes]) -> Answer:
    return lambda request, name: give(request, gzip.compress(files[name]))


def test_what_was_fetched_is_found_where_grader_looks(
    tiny: dict[str, bytes], serve: Callable[[Answer], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unavailable, match="grader data fetch"):
        load_images(Settings())
    done = CliRunner().invoke(command, ["fetch", "--mirror", serve(honest(tiny))])
    assert done.exit_code == 0, done.output
    assert "all files verified" in done.output
    assert done.output.count("from 127.0.0.1") == 4
    assert len(load_images(Settings()).train_labels) == 12
    assert sorted(p.name for p in (tmp_path / "grader" / "mnist").iterdir()) == sorted(
        f"{name}.gz" for name in tiny
    )


def test_files_that_are_there_are_kept(
    tiny: dict[str, bytes], serve: Callable[[Answer], str], tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler, name: str) -> None:
        asked.append(name)
        give(request, gzip.compress(tiny[name]))

    address = serve(answer)
    fetch(tmp_path, (address,), PLENTY)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"cut")
    fetch(tmp_path, (address,), PLENTY)
    assert asked == [*tiny, "t10k-labels-idx1-ubyte"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: gzip.compress(b"<html>please log in</html>"),
        lambda body: gzip.compress(body[:-1] + bytes([body[-1] ^ 1])),
        lambda body: gzip.compress(body)[:-9],
        lambda body: gzip.compress(bytes(mnist.LARGEST + 5)),
        lambda body: b"",
    ],
    ids=["a login page", "one bit", "cut off", "a bomb", "nothing"],
)
def test_a_damaged_file_is_refused_and_the_next_server_asked(
    tiny: dict[str, bytes],
    serve: Callable[[Answer], str],
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    bad = serve(lambda request, name: give(request, damage(tiny[name])))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1: train-images-idx3-ubyte\.gz: ") as refused:
        fetch(tmp_path, (bad,), PLENTY)
    assert refused.value.verdict is Verdict.SKIPPED
    assert list(tmp_path.iterdir()) == []
    fetch(tmp_path, (bad, serve(honest(tiny))), PLENTY)
    assert len(mnist.load(tmp_path).test_labels) == 5


@pytest.mark.parametrize("silent", ["before the answer", "in the middle"])
def test_a_server_that_hangs_ends_the_attempt(
    silent: str, tiny: dict[str, bytes], serve: Callable[[Answer], str], tmp_path: Path
) -> None:
    released = threading.Event()

    def hang(request: BaseHTTPRequestHandler, name: str) -> None:
        if silent == "in the middle":
            body = gzip.compress(tiny[name])
            give(request, body[:20], length=len(body))
            request.wfile.flush()
        released.wait(60)

    address = serve(hang)
    try:
        with pytest.raises(Unavailable, match=r"no answer in time|did not end within"):
            fetch(tmp_path, (address,), 0.2)
        assert list(tmp_path.iterdir()) == []
    finally:
        released.set()


def test_a_lookup_that_hangs_ends_the_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeout of a socket bounds how long a name is looked up."""
    released = threading.Event()

    def hang(*_: object, **__: object) -> None:
        released.wait(60)
        raise OSError(-3, "Temporary failure in name resolution")

    monkeypatch.setattr("socket.getaddrinfo", hang)
    try:
        with pytest.raises(Unavailable, match=r"did not end within 0\.1 s"):
            fetch(tmp_path, ("http://nowhere.invalid/",), 0.1)
    finally:
        released.set()


def test_without_a_network_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    result = CliRunner().invoke(command, ["fetch", "--to", str(tmp_path)])
    assert isinstance(result.exception, UsageFault)
    said = str(result.exception)
    assert "\n" not in said
    for word in (
        "Name or service not known",
        "ossci-datasets",
        "yann.lecun.com",
        str(tmp_path),
        "GRADER_DATA",
    ):
        assert word in said


def test_a_server_without_the_files_is_named(serve: Callable[[Answer], str], tmp_path: Path) -> None:
    address = serve(lambda request, _: request.send_error(404, "Not Found"))
    with pytest.raises(Unavailable, match="HTTP 404 Not Found"):
        fetch(tmp_path, (address,), PLENTY)


def test_progress_is_told_file_by_file(
    tiny: dict[str, bytes], serve: Callable[[Answer], str], tmp_path: Path
) -> None:
    lines: list[str] = []
    with listening(lines.append):
        fetch(tmp_path, (serve(honest(tiny)),), PLENTY)
    assert [line.partition(".gz")[0] for line in lines] == list(tiny)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(Unavailable, match=r"file[/\\]mnist"):
        fetch(tmp_path / "file" / "mnist", ("http://127.0.0.1:9/",), PLENTY)


def test_a_mirror_that_is_no_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="unknown url type"):
        fetch(tmp_path, ("mirror.example/mnist",), PLENTY)


def test_servers_are_those_of_torchvision() -> None:
    pytest.importorskip("torch")
    from grader.sandbox.worker.torchvision_ops import declare

    declare()
    datasets = pytest.importorskip("torchvision.datasets")
    assert list(MNIST.mirrors) == datasets.MNIST.mirrors

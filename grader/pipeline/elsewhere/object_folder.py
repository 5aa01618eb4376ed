"""The one folder through which machines give each other what is large: hand-ins on their way out, submitted
bytes and results on their way back, states of trainings.

Where it is the folder of the store, its submitted bytes are the store's own. Every file appears whole and is
named by its content or by the key that exists for it, so that two machines may write the same one. The store
itself is no part of it: SQLite is written by the driver alone.
"""

import hashlib
import os
import secrets
import socket
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import msgspec

from grader.core.bucket import Place
from grader.core.faults import NodeFault
from grader.core.memory import digest, write_whole
from grader.pipeline.classroom.fingerprint import files_of
from grader.store.objects import Objects

_MARK = "object-folder"
_DIGEST = hashlib.sha256().digest_size
Packed = tuple[int, str, bytes]
"""Number of the path that a file lies in, its path there (empty for the path itself), and its bytes."""


def sender_of(store: Path) -> str:
    """Return the name of this process among those that lay hand-ins down: what identifies the store, then
    its own number.

    Two commands over the same class pack the same bytes; each forgets its own alone, or the one that is
    slower would find its hand-in gone and believe that every node had lost the folder.
    """
    return f"{digest(f'{socket.gethostname()} {store.resolve()}'.encode())[:16]}-{os.getpid()}"


class ObjectFolder:
    """A folder that every machine of a cluster sees under the same path, or a bucket."""

    def __init__(self, root: Place) -> None:
        self.root = root
        self.objects = Objects(root / "objects")

    # -- whether it is there

    def mark(self) -> str:
        """Return the word by which another machine knows that it sees this very folder.

        It is left once, so that a second driver does not take it from the machines of the first, not even
        one that begins at the same moment.
        """
        if not self.marked():
            with suppress(FileExistsError):
                write_whole(self.root / _MARK, secrets.token_hex(16).encode(), first=True)
        return self.marked()

    def marked(self) -> str:
        """Return the word that lies there; empty where the folder cannot be seen."""
        try:
            return (self.root / _MARK).read_bytes().decode("ascii", "replace")
        except OSError:
            return ""

    def must_be_there(self) -> None:
        """Raise NodeFault where this machine does not see the folder: what is not found then says nothing."""
        if not self.marked():
            raise NodeFault(f"the object folder {self.root} cannot be read there")

    # -- results, by the keys that the store keeps them under

    def payload(self, key: str) -> bytes | None:
        """Return a product as msgpack; None where there is none, or where the file rotted."""
        try:
            content = self._product(key).read_bytes()
            data = zlib.decompress(content[_DIGEST:])
        except (OSError, zlib.error):
            return None
        return data if hashlib.sha256(data).digest() == content[:_DIGEST] else None

    def keep(self, key: str, payload: bytes) -> None:
        """Keep a product; one that is there already is the same."""
        path = self._product(key)
        if not path.exists():
            write_whole(path, hashlib.sha256(payload).digest() + zlib.compress(payload, 3), mode=0o600)

    def _product(self, key: str) -> Place:
        return self.root / "products" / key[:2] / (key[2:] or "_")

    # -- hand-ins on their way out

    def pack(self, paths: Sequence[str], sender: str) -> str:
        """Lay down a hand-in for another machine; return its name, which begins with `sender`. Raises OSError
        where one of its files is none that can be carried.
        """
        packed: list[Packed] = [
            (number, "" if file == Path(path) else name, file.read_bytes())
            for number, path in enumerate(paths)
            for name, file in files_of([path])
        ]
        data = msgspec.msgpack.encode(packed)
        name = f"{sender}-{digest(data)}"
        write_whole(self._parcel(name), data, mode=0o600)
        return name

    @contextmanager
    def unpacked(self, name: str, paths: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Yield where a hand-in lies that was packed from `paths`, under the same names, while the block
        lasts.

        Raises NodeFault where it did not arrive whole.
        """
        try:
            data = self._parcel(name).read_bytes()
        except OSError as fault:
            raise NodeFault(
                f"a hand-in cannot be read from {self.root} ({fault.strerror or fault})"
            ) from fault
        if digest(data) != name.rpartition("-")[2]:
            raise NodeFault(f"a hand-in did not arrive whole in {self.root}")
        with tempfile.TemporaryDirectory(prefix="grader-") as scratch:
            places = [Path(scratch) / str(number) / Path(path).name for number, path in enumerate(paths)]
            found = msgspec.msgpack.decode(data, type=list[Packed])
            alone = {number for number, inside, _ in found if not inside}
            for number, place in enumerate(places):
                (place.parent if number in alone else place).mkdir(parents=True)
            for number, inside, content in found:
                file = places[number] / PurePosixPath(inside) if inside else places[number]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            yield tuple(map(str, places))

    def arrived(self, name: str) -> None:
        """Forget a hand-in whose job ended."""
        with suppress(OSError):
            self._parcel(name).unlink()

    def forget_those_of_the_dead(self, sender: str) -> None:
        """Forget hand-ins of commands over the same store that were killed before theirs had ended."""
        store, _, own = sender.partition("-")
        with suppress(OSError):
            for parcel in self.root.glob(f"parcels/{store}-*"):
                number = parcel.name.split("-")[1]
                if number != own and _has_ended(number):
                    self.arrived(parcel.name)

    def _parcel(self, name: str) -> Place:
        return self.root / "parcels" / name


def _has_ended(number: str) -> bool:
    """Whether no process of this machine has that number; False where nobody can tell."""
    if os.name != "posix":  # where signal 0 is no question
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False

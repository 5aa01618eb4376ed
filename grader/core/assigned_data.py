"""The images that a network is trained on and scored with: a description from which everything else is made.

MNIST is `DataSet()`; a rubric names another in `[data]`. Sizes, classes, counts, files and digests of a data
set stand here and nowhere else: what reads, serves, trains or counts images asks this record.
"""

from enum import Enum

import msgspec


class Digest(Enum):
    """What the digests of the files are of."""

    UNPACKED_SHA256 = "sha256-unpacked"
    """SHA-256 of the unpacked bytes: a copy that was compressed again is still the same file."""
    MD5 = "md5"
    """MD5 of the file as it is published, packed: what torchvision knows of a data set."""


class DataFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One IDX file by its name without `.gz`, and its digest; none where an archive has one for all."""

    name: str
    digest: str = ""


class Archive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A zip that holds all of the files, and its digest; `inside` is the folder in it."""

    name: str = ""
    digest: str = ""
    inside: str = ""


_MNIST_FILES = (
    DataFile(
        name="train-images-idx3-ubyte",
        digest="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    DataFile(
        name="train-labels-idx1-ubyte",
        digest="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    DataFile(
        name="t10k-images-idx3-ubyte",
        digest="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    DataFile(
        name="t10k-labels-idx1-ubyte",
        digest="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


class DataSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name, images, classes, counts and files. A name that grader knows brings all the rest.

    Known are `mnist`, `fashion-mnist`, `kmnist`, `emnist-digits` and `cifar10`.
    """

    name: str = "mnist"
    title: str = "MNIST"
    """What it is called in sentences."""
    torchvision: str = "MNIST"
    """The class of `torchvision.datasets` that notebooks load it with."""
    split: str = ""
    """What that class is given as its `split`, where it has several."""
    side: int = 28
    """Height and width of an image, in pixels."""
    channels: int = 1
    """1 for grey, 3 for colours."""
    classes: int = 10
    training_images: int = 60_000
    test_images: int = 10_000
    mean: float = 0.1307
    """Of a pixel in 0..1, over the training images; 0 where it is to be computed. `deviation` likewise."""
    deviation: float = 0.3081
    files: tuple[DataFile, ...] = _MNIST_FILES
    """Training images, training labels, test images, test labels, as IDX files; none where it has others, and
    then nothing is trained.
    """
    digest: Digest = Digest.UNPACKED_SHA256
    archive: Archive = Archive()
    folders: tuple[str, ...] = (".", "MNIST/raw", "raw", "mnist")
    """Where the files may lie below the folder that `--data` names."""
    mirrors: tuple[str, ...] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    """Folders of servers that hold the files; the first that works is enough."""
    download: str = "11.6 MB"
    """How much there is to download, in words."""

    @property
    def image(self) -> tuple[int, int, int]:
        """An image as a network takes it: channels, height, width."""
        return (self.channels, self.side, self.side)

    @property
    def pixels(self) -> int:
        """Numbers of an image."""
        return self.channels * self.side * self.side

    @property
    def trainable(self) -> bool:
        """Whether its files can be read here, so that a network can be trained again."""
        return bool(self.files) and self.channels == 1

    @property
    def usual(self) -> bool:
        """Whether it is MNIST, on which the rules of retraining were measured."""
        return self.name == DataSet().name

    def seen_inside(self) -> dict[str, object]:
        """What the worker in the sandbox is told; it imports nothing of ours."""
        names = (
            *("name", "title", "torchvision", "split", "side", "channels", "classes"),
            *("training_images", "test_images", "mean", "deviation"),
        )
        return {name: getattr(self, name) for name in names}

    def faults(self) -> list[str]:
        """Return what is wrong with the description, in sentences."""
        counts = ("side", "classes", "training_images", "test_images")
        wrong = [f"{n} must be at least 1, got {getattr(self, n)}" for n in counts if getattr(self, n) < 1]
        if self.channels not in (1, 3):
            wrong.append(f"channels is 1 or 3, got {self.channels}")
        if self.side > LARGEST_SIDE:
            wrong.append(f"side is at most {LARGEST_SIDE} pixels, got {self.side}")
        if self.files and len(self.files) != len(_MNIST_FILES):
            wrong.append("files are training images and labels, test images and labels, or none")
        if self.files and not self.archive.digest and not all(file.digest for file in self.files):
            wrong.append("each file needs its digest, or the archive that holds them all")
        if any(".." in name or name.startswith("/") for name in (*self.folders, *self._names())):
            wrong.append("folders and files are named below the folder that --data names")
        return wrong

    def _names(self) -> tuple[str, ...]:
        return (*(file.name for file in self.files), self.archive.name, self.archive.inside)


LARGEST_SIDE = 96
"""Pixels; a small network for larger images costs more than a class can spend."""

MNIST = DataSet()
"""The digits of the assignment as most courses give it."""


def _published(names: tuple[str, ...], digests: tuple[str, ...]) -> tuple[DataFile, ...]:
    return tuple(DataFile(name=n, digest=d) for n, d in zip(names, digests, strict=True))


_NAMES = tuple(file.name for file in _MNIST_FILES)

_KNOWN = (
    MNIST,
    DataSet(
        name="fashion-mnist",
        title="Fashion-MNIST",
        torchvision="FashionMNIST",
        mean=0.0,
        deviation=0.0,
        digest=Digest.MD5,
        files=_published(
            _NAMES,
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
        ),
        folders=("FashionMNIST/raw", "fashion-mnist", "raw", "."),
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        download="30.9 MB",
    ),
    DataSet(
        name="kmnist",
        title="KMNIST",
        torchvision="KMNIST",
        mean=0.0,
        deviation=0.0,
        digest=Digest.MD5,
        files=_published(
            _NAMES,
            (
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ),
        ),
        folders=("KMNIST/raw", "kmnist", "raw", "."),
        mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        download="21.2 MB",
    ),
    DataSet(
        name="emnist-digits",
        title="EMNIST digits",
        torchvision="EMNIST",
        split="digits",
        training_images=240_000,
        test_images=40_000,
        mean=0.0,
        deviation=0.0,
        digest=Digest.MD5,
        files=tuple(
            DataFile(name=f"emnist-digits-{part}")
            for part in (
                *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
                *("test-images-idx3-ubyte", "test-labels-idx1-ubyte"),
            )
        ),
        archive=Archive(name="gzip.zip", digest="58c8d27c78d21e728a6bc7b3cc06412e", inside="gzip"),
        folders=("EMNIST/raw", "emnist", "raw", "."),
        mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/",),
        download="562 MB",
    ),
    DataSet(
        name="cifar10",
        title="CIFAR-10",
        torchvision="CIFAR10",
        side=32,
        channels=3,
        training_images=50_000,
        mean=0.0,
        deviation=0.0,
        files=(),
        folders=(),
        mirrors=(),
        download="",
    ),
)
KNOWN = {data.name: data for data in _KNOWN}
"""The data sets that a rubric may name without more."""

_TO_SAY = ("title", "torchvision", "side", "classes", "training_images", "test_images")
_UNKNOWN = DataSet(
    name="", title="", torchvision="", mean=0.0, deviation=0.0, files=(), folders=(), mirrors=(), download=""
)


def described(raw: object) -> tuple[DataSet, list[str]]:
    """Return the data set that a rubric's `[data]` describes, and what is wrong with it, in sentences.

    What is not said of a known name is as it is known; of another name everything has to be said but where
    its files are.
    """
    given = dict(raw) if isinstance(raw, dict) else {}
    name = given.get("name", MNIST.name)
    base = KNOWN.get(name) if isinstance(name, str) else None
    unsaid = [field for field in _TO_SAY if field not in given] if base is None else []
    if unsaid:
        return MNIST, [
            f"{name!r} is none of {', '.join(KNOWN)}; then {', '.join(unsaid)} must be said as well"
        ]
    try:
        found = msgspec.convert({**msgspec.to_builtins(base or _UNKNOWN), **given}, DataSet, strict=False)
    except msgspec.ValidationError as fault:
        return MNIST, [str(fault)]
    wrong = found.faults()
    return (MNIST if wrong else found), wrong

"""One line of a training log -> the accuracies, epoch numbers and progress bars on it.

There is no standard format: 14 spellings were found in 80 real notebooks. What holds for all of them is that
an accuracy is labelled, that the nearest `train`, `test` or `val` before the label says whose it is, and that
a fraction beats the percent beside it.
"""

import re
from enum import Enum
from typing import NamedTuple

from grader.core.assigned_data import MNIST, DataSet


class Split(Enum):
    """Whose accuracy it is."""

    TRAIN = "train"
    TEST = "test"
    """Test or validation: this assignment uses the test set as its validation set everywhere."""
    UNSAID = "unsaid"


class Accuracy(NamedTuple):
    """One accuracy on a line, in percent; `half_unit` as in `Epoch`."""

    split: Split
    percent: float
    half_unit: float
    correct: int | None
    total: int | None
    rounded: bool
    """Whether a whole percent stands beside the fraction."""
    statement: bool
    """Whether it sums up (best, final, target, with augmentation) instead of reporting an epoch."""
    shape: str
    """The words before it: lines of one print statement share it."""
    shown: str = ""
    """The percent that stands beside the fraction, as written."""
    validation: bool = False
    """Whether the line says validation, where it may say test beside it."""
    wanted: bool = False
    """Whether a statement says what is asked for, and not what was reached."""


class Marker(NamedTuple):
    """An epoch number, and of how many where the line says so."""

    printed: int
    planned: int | None


class LogLine(NamedTuple):
    """What one line says."""

    accuracies: tuple[Accuracy, ...]
    marker: Marker | None
    bar: bool
    """Whether it is a progress bar (tqdm, Keras)."""
    split: Split
    """The last split that the line names, for lines that follow a heading `Test:`."""
    group: str = ""
    """The run, fold or network that the line names by a number; empty for none."""
    setting: str = ""
    """A setting of the training with its value before the accuracy, as a list of results has; empty beside an
    epoch number.
    """
    running: tuple[float, int] | None = None
    """The accuracy in percent that a bar shows without saying whose it is, and of how many steps it is."""


_SPLIT = re.compile(
    r"(?<![a-z])(?:(?P<train>train(?:ings?|ing)?|entra[iî]nement|entrenamiento|trein(?:o|amento)|обуч\w*|训练)"
    r"|(?P<test>teste?s?(?:ing)?|val(?:id(?:ation|ierungs?|aci[oó]n|ação)?)?|eval(?:uation)?|prueba|тест\w*|валид\w*"
    r"|测试|验证))(?=[^a-z]|acc|loss|genau|set|data|daten|$)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:acc(?:uracy|urancy|uarcy|\.)?|genauigkeit|exactitude?|accuratezza|acur[áa]cia|nauwkeurigheid|точность"
    r"|准确[率度]|正确率|精度)(?![a-z])(?:@1(?!\d))?"
    r"|(?<![a-z])(?:prec@1|top-?1)(?!\d)",
    re.IGNORECASE,
)
_GLUE = r"[\s:：=|│┃>~*_`\"'\-–—]*"
_VALUE = re.compile(
    _GLUE
    + r"(?:\(\s*%\s*\)|%|\(\s*(?:train\w*|test\w*|val\w*|overall|total)(?:\s+set)?\s*\)"
    + r"|[_/\s.-]{1,2}(?:train|test|val(?:id(?:ation)?)?)(?:ing)?(?:\s+set)?(?![a-z_]))?"
    + r"(?:(?:of\s+(?:the|our)\s+\w+\s+)?(?:on|of|for)\s+(?:the\s+)?(?:\d[\d,]{3,6}\s+)?(?:test\w*|val\w*)(?:\s+\w{0,8})?\s*)?"
    + r"(?:is|was|на\s+\w+|d[eo]\s+\w+)?"
    + _GLUE
    + r"(?:tensor\(\s*)?"
    + r"(?:(?P<correct>\d{1,3},\d{3}|\d{1,7})(?:\.0+)?\s*/\s*(?P<total>\d{1,3},\d{3}|\d{1,7})(?:\.0+)?"
    + r"(?:\s*[,|]?\s*\(?\s*(?P<beside>\d+(?:\.\d+)?)\s*%?\s*\)?)?"
    + r"|(?P<number>\d+(?:\.\d+|,\d+(?![,\d]))?)\s*(?P<percent>%)?)(?![\d.]*\d)",
    re.IGNORECASE,
)
_PROGRESS = re.compile(r"\[(?P<done>\d{1,6})/(?P<of>\d{4,6})\b(?!.*\[\d)")
_OF_A_BATCH = re.compile(r"(?<![a-z])(?:test\w*|val\w*)\W{1,3}(?:batch|step|iter\w*)\W{0,3}\d", re.IGNORECASE)
_WANTED = re.compile(
    r"(?<![a-z])(?:target|goal|at\s+least|needed|required|threshold|until)(?![a-z])", re.IGNORECASE
)
_PAIR = re.compile(
    r"(?:(?P<before>acc\w*)\W{1,4})?(?<![a-z])train\w*\s*[/|&,]\s*(?:test|val)\w*(?:\s+(?P<after>acc\w*))?\W{1,6}"
    r"(?P<train>\d+(?:\.\d+)?)\s*%?\s*[/|&,]\s*(?P<test>\d+(?:\.\d+)?)(?![\d.])",
    re.IGNORECASE,
)
"""`Train/Test accuracy: 98.80% / 99.41%`: the first is of the training digits."""
_SAID_AFTER = re.compile(
    r"(?<![\d.])(?P<number>\d+(?:\.\d+)?)\s*%\s+(?:of\s+(?:the\s+)?(?:[\d,]{5,6}\s+)?test\s+\w+\s+(?:\w+\s+){0,2}(?:correct|right)"
    r"|(?:test|val)\w*\s+acc(?:uracy)?|acc(?:uracy)?\s+(?:on|of|for)\s+(?:the\s+)?"
    r"(?:test|val)\w*)(?![a-z])(?!\W{0,3}\d)",
    re.IGNORECASE,
)
"""`99.41% test accuracy`"""
_OPEN = re.compile(rf"(?:{_LABEL.pattern}){_GLUE}$", re.IGNORECASE)
"""A line that ends with the label of what the next line holds."""
_ALONE = re.compile(r"\s*(?:tensor\(\s*)?\d+(?:\.\d+)?(?:\s*/\s*\d+)?\s*(?:%|\(\d+(?:\.\d+)?\s*%?\))?\W{0,3}")
_SHORT = re.compile(
    r"(?<![a-z])(?P<name>test|val(?:id(?:ation)?)?)(?:\s*[:=]\s*(?P<number>\d+(?:\.\d+)?)\s*%|\s+(?P<bare>\d{2}\.\d+)\s*%(?!\s*\|))",
    re.IGNORECASE,
)
_RIGHT_OF = re.compile(
    r"(?<![\d.,])(?P<correct>\d{1,3}(?:,?\d{3}))\s*(?:/|of|out of|von)\s*(?P<total>\d{2},?\d{3})\s*(?:\([^)]{0,20}\)\s*)?"
    r"(?:(?:test\s+)?(?:images|digits|samples|examples)\s+)?(?:are\s+|were\s+)?(?:classified\s+|predicted\s+)?"
    r"(?:correct|right|richtig|with\s+(?:an\s+)?acc)",
    re.IGNORECASE,
)
_RIGHT_SAID = re.compile(
    r"(?<![a-z])(?:correct(?:ly)?|right|richtig)(?:[ \t]+[a-z]+){0,2}?\s*[:=]?\s*"
    r"(?P<correct>\d{1,3},?\d{3})\s*(?:/|of|out of|von)\s*(?P<total>\d{2},?\d{3})(?![\d.,]*\d)",
    re.IGNORECASE,
)
_RIGHT_BETWEEN = re.compile(
    r"(?<![\d.,])(?P<correct>\d{1,3},?\d{3})\s+(?:correct|right)(?:ly\s+\w+)?\s*(?:/|of|out of)\s*(?P<total>\d{2},?\d{3})(?![\d.,]*\d)",
    re.IGNORECASE,
)
_BOTH_PARTS = re.compile(
    r"(?<![a-z])train\w*\W{1,3}\d{4,6}\s*/\s*(?P<trained>\d{4,6})\b.{0,40}?"
    r"(?<![a-z])(?:test|val\w*)\W{1,3}(?P<correct>\d{4,5})\s*/\s*(?P<total>\d{5})(?!\d)",
    re.IGNORECASE,
)
"""`Train: 58090/60000 Test: 9931/10000`: of both parts, so no counter of batches."""
# Words that make the next accuracy a summary instead of the report of an epoch.
_STATEMENT = re.compile(
    r"(?<![a-z])(?:best|highest|max(?:imum)?|peak|final(?:ly)?|target|goal|at\s+least|tta|achieved?|reached|average\s+of|overall)(?![a-z])",
    re.IGNORECASE,
)
_MARKER = re.compile(
    r"(?<![a-z])(?<!s/)(?:epochs?|epoche|épo(?:que|ca)|epoca|эпоха)(?:\s+(?:no\.?|number|num|#))?[\s:=#>\-–.\[(]*(?P<n>\d{1,4})(?![\d.]*\d)(?:\s*(?:/|of|out "
    r"of)\s*(?P<of>\d{1,4}))?",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^\s*\[?(?P<n>\d{1,3})\s*/\s*(?P<of>\d{1,3})\]?\s*(?:\|\||:|-|\])")
_GROUP = re.compile(
    r"(?<![a-z])(?P<word>fold|seed|run|trial|experiment|split|repeat|attempt)s?\s*(?:no\.?|number)?\s*[#:=_-]{0,2}\s*(?P<n>\d{1,6})"
    r"(?![\d.%]|\s*(?:/\s*\d+\s*\[|epoch|batch|step|image|s\b|sec|min))"
    r"|^[\W\d]{0,8}(?P<net>model|network|net|variant|candidate|config(?:uration)?)[\s_#:-]{0,2}(?P<m>\d{1,3})(?![\d.%])",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"(?<![a-z])(?:lr|learning[\s_-]*rate|eta|drop\s?out|batch[\s_-]*size|bs|momentum|weight[\s_-]*decay|wd|channels|width|kernels?"
    r"|hidden|params?|parameters)\W{0,3}(?:of\s+|is\s+)?\d[\d.,e-]*[kK]?"
    r"|(?<![\w.])\d[\d.,]*[kK]?\s+(?:channels|filters|kernels|layers|units|params|parameters)(?![a-z])",
    re.IGNORECASE,
)
_BAR = re.compile(
    r"\d+%\s*\||it/s\b|s/it\b|\d+/\d+\s*\[[=>.]+\]|\[[=>]+[.>=]*\]|\d+\s*(?:ms|us|s)/(?:step|epoch|sample)"
)


_SIGNS = (
    "acc",
    "epoch",
    "/",
    "%",
    "genau",
    "exactitud",
    "acur",
    "nauwk",
    "точн",
    "准确",
    "正确",
    "精度",
    "prec@",
    "top",
    "époc",
    "époq",
    "correct",
    "richtig",
)


def is_bar(text: str) -> bool:
    """Whether a line is that of a progress bar, which shows a part of an epoch."""
    return _BAR.search(text) is not None


def read_line(text: str, data: DataSet = MNIST) -> LogLine:
    """Read one line (without `\\r`); a fraction without a label is of the split that is as large."""
    lowered = text.lower()
    if not any(sign in lowered for sign in _SIGNS):
        split = _last_split(text) if _SPLIT.search(text) else Split.UNSAID
        return LogLine((), None, bar=False, split=split, group=_group(text))
    bar = is_bar(text)
    accuracies, marker = _accuracies(text, data, bar=bar), _marker(text)
    setting = _setting(text) if accuracies and marker is None and not bar else ""
    running = _running(text) if bar and not accuracies else None
    return LogLine(accuracies, marker, bar, _last_split(text), _group(text), setting, running)


_STEPS = re.compile(r"(?<![\d/])\d{1,6}/(\d{1,6})\b")


def _running(text: str) -> tuple[float, int] | None:
    """`Loss=0.08 Batch_id=468 Accuracy=95.31: 100%|###| 469/469`: 95.31 of 469 steps."""
    label, steps = _LABEL.search(text), _STEPS.search(text)
    value = _VALUE.match(text, label.end()) if label else None
    if _SPLIT.search(text) or value is None or steps is None or not value.group("number"):
        return None
    percent = float(value.group("number"))
    return (percent, int(steps.group(1))) if 1.0 < percent <= 100.0 else None


def _setting(text: str) -> str:
    label = _LABEL.search(text)
    match = _SETTING.search(text, 0, label.start() if label else len(text))
    return match.group().lower() if match else ""


def _group(text: str) -> str:
    match = _GROUP.search(text)
    if not match:
        return ""
    word, number = match.group("word") or match.group("net"), match.group("n") or match.group("m")
    return f"{word.lower()} {int(number)}"


def _last_split(text: str) -> Split:
    found = Split.UNSAID
    for match in _SPLIT.finditer(text):
        found = Split.TRAIN if match.group("train") else Split.TEST
    return found


def _marker(text: str) -> Marker | None:
    match = _MARKER.search(text)
    if match and re.match(r"epochs", match.group(), re.IGNORECASE):
        match = None  # `Epochs: 20` announces a number of epochs, it does not number one
    match = match or _LEADING.match(text)
    if not match:
        return None
    of = match.group("of")
    return Marker(int(match.group("n")), int(of) if of else None)


def _accuracies(text: str, data: DataSet, *, bar: bool) -> tuple[Accuracy, ...]:
    if (pair := _PAIR.search(text)) and (pair["before"] or pair["after"]):
        return tuple(
            _plain(pair[name], split) for name, split in (("train", Split.TRAIN), ("test", Split.TEST))
        )
    found: list[Accuracy] = []
    taken: list[tuple[int, int]] = []
    splits = [
        (m.start(), m.end(), Split.TRAIN if m.group("train") else Split.TEST) for m in _SPLIT.finditer(text)
    ]
    begin = 0
    for label in _LABEL.finditer(text):
        value = _VALUE.match(text, label.end())
        if not value:
            continue
        before = [s for s in splits if s[0] < label.start()]
        inside = [s for s in splits if label.end() <= s[0] < value.end()]
        split = inside[-1][2] if inside else before[-1][2] if before else Split.UNSAID
        words = text[begin : label.start()]
        if split is not Split.TRAIN and _goes_on(words):
            continue
        accuracy = _value(value, split, words, data, bar=bar)
        if accuracy:
            named = (inside or before)[-1:]
            said = text[named[0][0] : named[0][1]].lower() if named and split is Split.TEST else ""
            found.append(accuracy._replace(validation=said.startswith("val"), wanted=_is_wanted(words)))
            taken.append((label.start(), value.end()))
            begin = value.end()
    for short in _SHORT.finditer(text):
        if any(start <= short.start() < end for start, end in taken):
            continue
        number = short.group("number") or short.group("bare")
        found.append(
            Accuracy(
                Split.TEST,
                float(number),
                half_unit(number),
                None,
                None,
                False,
                _sums_up(text[: short.start()]),
                "short",
            )
        )
    if not found and not bar and (after := _SAID_AFTER.search(text)):
        sums_up, wanted = _sums_up(text), _is_wanted(text)
        told = _plain(after["number"], Split.TEST, percent=True)
        found.append(told._replace(statement=sums_up, wanted=wanted))
    counted = _counted(text, data) if all(a.split is Split.UNSAID for a in found) else ()
    return counted or tuple(found)


def _plain(number: str, split: Split, *, percent: bool = False) -> Accuracy:
    """An accuracy that stands as one number, in percent or of one."""
    value, half = float(number), half_unit(number)
    if value <= 1.0 and not percent and "." in number:
        value, half = round(value * 100, 10), half * 100
    return Accuracy(split, value, half, None, None, False, False, "plain")


def is_open(text: str) -> bool:
    """Whether a line ends with a label whose value stands on the next."""
    return _OPEN.search(text) is not None


def is_alone(text: str) -> bool:
    """Whether a line holds one value and nothing else."""
    return _ALONE.fullmatch(text) is not None


def _value(value: re.Match[str], split: Split, words: str, data: DataSet, *, bar: bool) -> Accuracy | None:
    shape = " ".join(re.findall(r"[a-z]+", words.lower())[-6:])
    if value.group("correct"):
        correct, total = (int(value.group(name).replace(",", "")) for name in ("correct", "total"))
        if total < 100 or correct > total:
            return None  # a batch counter, or a rubric's `5/5`
        if split is Split.UNSAID:
            split = _by_total(total, data)
        beside = value.group("beside")
        return Accuracy(
            split,
            100 * correct / total,
            0.0,
            correct,
            total,
            bool(beside) and "." not in beside,
            _sums_up(words),
            shape,
            beside or "",
        )
    number = value.group("number").replace(",", ".")
    told = _plain(number, split, percent=bool(value.group("percent")))
    if told.percent > 100.0 or (bar and split is Split.UNSAID):
        return None
    return told._replace(statement=_sums_up(words), shape=shape)


def _by_total(total: int, data: DataSet) -> Split:
    """Which split is as large as a fraction says."""
    return {data.test_images: Split.TEST, data.training_images: Split.TRAIN}.get(total, Split.UNSAID)


def _counted(text: str, data: DataSet) -> tuple[Accuracy, ...]:
    """`9941 of 10000 correct`, `Correct: 9941/10000`: a fraction that no word like accuracy labels."""
    match = _RIGHT_OF.search(text) or _RIGHT_SAID.search(text) or _RIGHT_BETWEEN.search(text)
    if match is None and (both := _BOTH_PARTS.search(text)):
        known = (int(both["trained"]), int(both["total"])) == (data.training_images, data.test_images)
        match = both if known else None
    if match is None:
        return ()
    correct, total = int(match["correct"].replace(",", "")), int(match["total"].replace(",", ""))
    if not 0 < correct <= total or total < 1_000:
        return ()
    split = _last_split(text[: match.start()])
    if split is Split.UNSAID:
        split = _by_total(total, data)
    sums_up = _sums_up(text[: match.start()])
    return (Accuracy(split, 100 * correct / total, 0.0, correct, total, False, sums_up, "counted"),)


def _goes_on(words: str) -> bool:
    """Whether words go on counting: `Test Epoch: 3 [1280/10000 (13%)] Accuracy`, `Test batch 3/10 accuracy` are
    of a part of what is tested.
    """
    if _OF_A_BATCH.search(words):
        return True
    match = _PROGRESS.search(words)
    return match is not None and int(match["done"]) < int(match["of"])


def _is_wanted(words: str) -> bool:
    return _WANTED.search(words) is not None


def _sums_up(words: str) -> bool:
    return bool(_STATEMENT.search(words))


def half_unit(number: str) -> float:
    """Half of what the last written digit is worth: `99.4` may be 0.05 off."""
    return 0.5 * 10.0 ** -len(number.partition(".")[2])

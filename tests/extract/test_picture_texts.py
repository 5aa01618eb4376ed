"""Pictures in documents: each with where it leads and what speaks of it."""

from grader.core.evidence.documents import Document
from grader.core.submission import Artefact, Kind
from grader.extract.documents.markdown import markdown_lines, pictures_in
from grader.extract.documents.picture_texts import pictures_with_texts, target_path


def around(text: str) -> list[tuple[str, str]]:
    """Target and nearest text of every picture."""
    lines = markdown_lines(text, "README.md")
    artefact = Artefact(path="README.md", kind=Kind.README, sha256="", size=len(text))
    found = pictures_with_texts(Document(artefact=artefact, lines=lines, pictures=pictures_in(lines)))
    near = [(one.picture.target, [t.strip("# |*:") for t in one.texts]) for one in found]
    return [(target, next((text for text in texts if text), "")) for target, texts in near]


def test_the_nearest_text_speaks_first() -> None:
    assert around("# Loss\n\nη = 0.1\n\n![](a.png)\n\n![lr 2](b.png)\n\n![](c.png)\n") == [
        ("a.png", "η = 0.1"),
        ("b.png", "lr 2"),
        ("c.png", "Loss"),
    ]


def test_the_head_of_a_column_speaks_of_its_picture() -> None:
    assert around("| 0.1 | 0.2 |\n|---|---|\n| ![](a.png) | <img src='b.png'/> |\n") == [
        ("a.png", "0.1"),
        ("b.png", "0.2"),
    ]


def test_the_first_cell_of_a_row_speaks_of_its_picture() -> None:
    assert around("| rate | loss |\n|---|---|\n| 0.1 | ![](a.png) |\n")[0] == ("a.png", "loss")


def test_targets_lead_into_the_submission_or_nowhere() -> None:
    assert target_path("part1/README.md", "../img/Lr%200.1.PNG?raw=true") == "img/lr 0.1.png"
    assert target_path("README.md", "C:\\Users\\me\\a.png") == ""
    assert target_path("README.md", "https://example.org/a.png") == ""
    assert target_path("README.md", "../../a.png") == ""

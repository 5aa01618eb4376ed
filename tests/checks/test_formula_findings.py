"""What a finding about a formula says that the student wrote."""

from grader.checks.backprop._remarks import about_lines
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document


def test_a_misspelt_line_is_shown_as_it_was_written() -> None:
    text = "do1/dw5 = d(a_h1*dw5)/dw5 + d(a_h2*w6)/dw5"
    (remark,) = about_lines(read_document(markdown_lines(text, "x.md"), "x.md").lines)
    assert remark.message.endswith("is misspelt")
    assert remark.found == text != remark.expected

"""`grader inspect`: what is read from one kind of file, without a rubric."""

from grader.cli.root import LazyGroup

command = LazyGroup(
    name="inspect",
    help="Show what grader reads from formulas, workbooks or notebooks; knows no rubric and gives no points.",
    modules={
        "formulas": "grader.cli.commands.inspect_formulas",
        "workbook": "grader.cli.commands.inspect_workbook",
        "notebook": "grader.cli.commands.inspect_notebook",
    },
)

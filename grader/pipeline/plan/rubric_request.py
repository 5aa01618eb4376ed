"""The rubric as it is asked for on the command line: `--reproduce` adds the checks of a whole run, worth
nothing.
"""

from collections.abc import Mapping

from grader.core.rule import Rule
from grader.core.settings import Settings
from grader.pipeline.plan.rubrics import LoadedRubric, find, load, parse

WHOLE_RUN = ("RT603", "RT604")


def load_asked(name: str, rules: Mapping[str, Rule], settings: Settings) -> tuple[LoadedRubric, bytes]:
    """Return a rubric by path or name and its bytes; checks of a whole run that it lacks are added where one
    is wanted.

    Raises RubricFault.
    """
    loaded = load(name, rules)
    data = find(name).read_bytes()
    have = {criterion.check for criterion in loaded.rubric.criterion}
    added = [code for code in WHOLE_RUN if settings.reproduce and code not in have]
    if not added:
        return loaded, data
    data += "".join(
        f'\n[[criterion]]\nid = "{rules[code].name}"\ncheck = "{code}"\npoints = 0\n' for code in added
    ).encode()
    return parse(data, loaded.path, rules), data

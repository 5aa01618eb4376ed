"""What the BP checks share: which wanted statements a derivation gives, and the outcome that follows.

An item that is only in a picture, or on a line that could not be read, is never counted as missing: a person must look.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from grader.core.evidence.formulas import FormulaEvidence, FormulaLine, FormulaVerdict
from grader.core.outcome import Finding, Outcome, Weight, graded, passed, unknown
from grader.core.rubric import Treatment

WEIGHTS = tuple(f"w{k}" for k in range(1, 9))


class Standing(Enum):
    """How a wanted statement stands in the documents; the best line counts."""

    GIVEN = "given"
    WRONG = "wrong"
    UNREAD = "unread"
    ABSENT = "absent"


class Item(NamedTuple):
    """One wanted statement. `lines` are those that decide about it; for WRONG, the wrong ones."""

    name: str
    standing: Standing
    lines: tuple[FormulaLine, ...] = ()


def stand(
    name: str,
    lines: Iterable[FormulaLine],
    *,
    gives: Callable[[FormulaLine], bool],
    typo: Treatment = Treatment.WARN,
    repeated: Treatment = Treatment.WARN,
) -> Item:
    """Decide about one wanted statement from the lines that concern it.

    `gives` says whether a line, were it right, gives the statement. `typo` and `repeated` treat a line that is right but
    for a slip of typing, and a wrong line beside a right one or beside its own right result.
    """
    concerned = list(lines)
    good = {FormulaVerdict.RIGHT} if typo is Treatment.FAIL else {FormulaVerdict.RIGHT, FormulaVerdict.TYPO}
    lenient = repeated is not Treatment.FAIL
    right = tuple(x for x in concerned if (x.verdict in good or (lenient and x.result_right)) and gives(x))
    wrong = tuple(
        x
        for x in concerned
        if x.verdict is FormulaVerdict.WRONG or (x.verdict is FormulaVerdict.TYPO and typo is Treatment.FAIL)
    )
    if wrong and (not right or not lenient):
        return Item(name, Standing.WRONG, wrong)
    if right:
        return Item(name, Standing.GIVEN, right)
    unread = tuple(x for x in concerned if x.verdict is FormulaVerdict.UNSURE)
    return Item(name, Standing.UNREAD if unread else Standing.ABSENT, unread)


def meant(line: FormulaLine) -> str:
    """The left side that a line was meant to have: the stated one, unless the likeliest repair changes just that."""
    if line.verdict is FormulaVerdict.WRONG and line.repairs:
        return line.repairs[0].line.partition(" = ")[0]
    return line.states


def fault(line: FormulaLine, what: str, *, weight: Weight = Weight.FAULT) -> Finding:
    """A finding about a wrong or misspelt line, with the student's own words and the likeliest repair."""
    first = line.repairs[0] if line.repairs else None
    return Finding(
        message=what,
        place=line.place,
        expected=line.expected,
        found=line.text if line.reading == line.expected else line.reading,
        hint=line.repair_sentence,
        excerpt=line.text,
        marked=line.marked if line.marked in line.text else "",
        diagnosis=first.diagnosis if first is not None else "unexplained",
        weight=weight,
    )


def missing(item: Item, evidence: FormulaEvidence) -> Finding:
    """A finding about a statement that stands nowhere."""
    return Finding(
        message=f"{item.name} is not given",
        expected=f"a line that states {item.name}",
        found=f"{len(evidence.lines)} formulas in {', '.join(d.artefact for d in evidence.documents)}, none of them",
        hint=f"add a line `{item.name} = …`",
        diagnosis="missing",
    )


def conclude(
    topic: str,
    items: Sequence[Item],
    evidence: FormulaEvidence,
    remarks: Sequence[Finding] = (),
    *,
    lacking: Callable[[Item, FormulaEvidence], Finding] = missing,
) -> Outcome:
    """Turn standings into an outcome: credit per item, `unknown` where a picture or an unread line may hold the rest.

    `topic` completes "… of 8 `topic`"; `lacking` words the finding about an absent item.
    """
    given = sum(i.standing is Standing.GIVEN for i in items)
    wrong = [i for i in items if i.standing is Standing.WRONG]
    unread = [i for i in items if i.standing is Standing.UNREAD]
    absent = [i for i in items if i.standing is Standing.ABSENT]
    tally = f"{given} of {len(items)} {topic}"
    if given == len(items):
        return passed(f"{tally} are right", remarks)
    faults = [
        fault(line, f"{item.name} is wrong")
        for line, item in {id(x): (x, i) for i in wrong for x in i.lines[:3]}.values()
    ]
    if len(absent) == len(items):
        where = f"; {evidence.images} images may hold them" if evidence.images else ""
        return unknown(
            f"no {topic} found as text{where}: please paste them as text",
            (*remarks, *_unseen(absent, evidence)),
        )
    if unread or (absent and evidence.images):
        open_items = ", ".join(i.name for i in (*unread, *absent))
        why = "could not be read" if unread else f"not found as text; {evidence.images} images may hold it"
        return unknown(
            f"{tally} are right; {open_items}: {why}: please paste as text",
            (*faults, *_unread(unread), *remarks),
        )
    rest = [lacking(i, evidence) for i in absent]
    return graded(given / len(items), f"{tally} are right", (*faults, *rest, *remarks))


def _unread(items: Sequence[Item]) -> list[Finding]:
    return [
        Finding(
            message=f"{item.name} could not be read",
            place=line.place,
            excerpt=line.text,
            found=line.reason,
            hint="write it on one line as plain text, with every bracket closed",
            diagnosis="unread",
            weight=Weight.REMARK,
        )
        for item in items
        for line in item.lines[:1]
    ]


def _unseen(items: Sequence[Item], evidence: FormulaEvidence) -> list[Finding]:
    return [
        Finding(
            message=f"no formula for {items[0].name} to {items[-1].name} stands in the text",
            expected="formulas as text",
            found=f"{evidence.images} images" if evidence.images else "no formula",
            hint="type the formulas into the README; pictures of them cannot be checked",
            diagnosis="not-in-text",
            weight=Weight.REMARK,
        )
    ]

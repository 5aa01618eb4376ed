"""What the BP checks share: which wanted statements a derivation gives, and the outcome that follows.

An item is missing only where nothing that was handed in and not read could hold it
(`FormulaEvidence.could_hold`): a picture, a line that names it, a file. Else a person must look.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork, described
from grader.core.evidence.formulas import (
    SIGNAL,
    FormulaEvidence,
    FormulaLine,
    FormulaVerdict,
    Unread,
    UnreadPlace,
)
from grader.core.outcome import Finding, Outcome, Weight, graded, passed, skipped, unknown
from grader.core.place import Place
from grader.core.rubric import Treatment


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
    quantity: str = ""
    """Its canonical name, where the item's own name is another."""

    def hiding(self, evidence: FormulaEvidence) -> tuple[UnreadPlace, ...]:
        """Return what was not read and could hold it; none where it surely is not given. A chain is worked
        out where a δ of it is defined.
        """
        if self.standing is not Standing.ABSENT:
            return ()
        names = [self.quantity or self.name, *([SIGNAL] if any(map(has_signal, self.lines)) else [])]
        return tuple(dict.fromkeys(u for name in names for u in evidence.could_hold(name)))


def has_signal(line: FormulaLine) -> bool:
    """Whether a line is written with an error signal δ."""
    return "δ" in line.text or "delta" in line.text.lower()


def stand(
    name: str,
    lines: Iterable[FormulaLine],
    *,
    gives: Callable[[FormulaLine], bool],
    typo: Treatment = Treatment.WARN,
    repeated: Treatment = Treatment.WARN,
) -> Item:
    """Decide about one wanted statement from the lines that concern it.

    `gives` says whether a line, were it right, gives the statement. `typo` and `repeated` treat a line that
    is right but for a slip of typing, and a wrong line beside a right one or beside its own right result.
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
    """The left side that a line was meant to have: the stated one, unless the likeliest repair changes just
    that.
    """
    if line.verdict is FormulaVerdict.WRONG and line.repairs:
        return line.repairs[0].line.partition(" = ")[0]
    return line.states


def fault(line: FormulaLine, what: str, *, about: str = "", weight: Weight = Weight.FAULT) -> Finding:
    """A finding about a wrong or misspelt line, with the student's own words and the likeliest repair.

    `about` names the statement where that is another one than the line's left side.
    """
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
        subject=about or meant(line),
        slip=first.phrase if first is not None else "",
        others=tuple(other.line for other in line.repairs[1:] if other.equal),
    )


def missing(item: Item, evidence: FormulaEvidence) -> Finding:
    """A finding about a statement that stands nowhere."""
    names = ", ".join(d.artefact for d in evidence.documents)
    return Finding(
        message=f"{item.name} is not given",
        subject=item.name,
        slip="not given",
        expected=f"a line that states {item.name}",
        found=f"{len(evidence.lines)} formulas in {names}, none of them" if names else "no README to read",
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
    tally: str = "",
    network: AssignedNetwork = CLASS_NETWORK,
) -> Outcome:
    """Turn standings into an outcome: credit per item, `unknown` where something that was not read may hold
    the rest.

    `topic` completes "… of n `topic`"; `lacking` words the finding about an item that surely is not given;
    `tally` is the sentence that counts, where "… of n `topic` are right" would not be true; `network` is the
    one that was asked for.
    """
    given = sum(i.standing is Standing.GIVEN for i in items)
    wrong = [i for i in items if i.standing is Standing.WRONG]
    unread = [i for i in items if i.standing is Standing.UNREAD]
    absent = [i for i in items if i.standing is Standing.ABSENT]
    hidden = [i for i in absent if i.hiding(evidence)]
    tally = tally or f"{given} of {len(items)} {topic} are right"
    if given == len(items):
        return passed(tally, remarks)
    if evidence.other_networks:
        return _elsewhere(tally, evidence, remarks, network)
    faults = [
        fault(line, _wrong(item, line), about=_subject(item, line))
        for line, item in {id(x): (x, i) for i in wrong for x in i.lines[:3]}.values()
    ]
    if len(absent) == len(items) and not any(i.lines for i in absent):
        return _nothing(topic, hidden, evidence, remarks)
    rest = [lacking(i, evidence) for i in absent if i not in hidden]
    if unread or hidden:
        open_items = ", ".join(i.name for i in (*unread, *hidden))
        places = _distinct(hidden, evidence)
        reasons = [
            *dict.fromkeys("could not be read" if _unreadable(i) else "is in doubt" for i in unread),
            *([_may_hold(places, hidden)] if places else []),
        ]
        return unknown(
            f"{tally}; {open_items}: {'; '.join(reasons)}{_request(places, unread)}",
            (*faults, *rest, *_unread(unread), *_unseen(hidden, places), *remarks),
        )
    told = _headline(topic, items, faults, len(absent))
    return graded(given / len(items), tally, (*faults, *rest, *remarks), told)


def _wrong(item: Item, line: FormulaLine) -> str:
    """What is said of a wrong line: it states the item itself, or a step that the item is made of."""
    if _is_step(item, line):
        return f"{item.name} builds on {line.states}, and that is wrong"
    return f"{item.name} is wrong"


def _subject(item: Item, line: FormulaLine) -> str:
    return f"{line.states}, on which {item.name} builds" if _is_step(item, line) else item.name


def _is_step(item: Item, line: FormulaLine) -> bool:
    """Whether a line states a step of an item, and not the item itself."""
    derived = line.states.startswith("∂") and item.name.startswith("∂")
    return derived and item.name not in (line.states, meant(line))


def _headline(topic: str, items: Sequence[Item], faults: Sequence[Finding], absent: int) -> str:
    """Say what is wrong in a title: the one slip where all wrong items have the same, else how many are
    wrong.
    """
    wrong = sum(i.standing is Standing.WRONG for i in items)
    slips = {f.slip for f in faults}
    told = []
    if wrong and len(slips) == 1 and (slip := next(iter(slips))):
        told.append(f"{wrong} of {len(items)} {topic}: {slip}")
    elif wrong:
        told.append(f"{wrong} of {len(items)} {topic} {'is' if wrong == 1 else 'are'} wrong")
    if absent:
        many = f"{absent}" if told else f"{absent} of {len(items)} {topic}"
        told.append(f"{many} {'is' if absent == 1 else 'are'} not given")
    return ", ".join(told)


def _nothing(
    topic: str, hidden: Sequence[Item], evidence: FormulaEvidence, remarks: Sequence[Finding]
) -> Outcome:
    """What follows where no wanted statement was read: a person looks at what could hold them, if anything
    could.
    """
    places = _distinct(hidden, evidence)
    if places:
        return unknown(
            f"no {topic} found as text: {_may_hold(places, hidden)}{_request(places, ())}",
            (*remarks, *_unseen(hidden, places)),
        )
    names = ", ".join(d.artefact for d in evidence.documents) or "the documents"
    formulas = sum(len(d.lines) for d in evidence.documents)
    holds = f"{formulas} formula{'s' * (formulas != 1)}, none of them" if formulas else "no formula"
    summary = f"{topic} were not handed in: {names} was read to its end and holds {holds}"
    return skipped(summary, remarks, cause="no-formulas")


def _distinct(items: Iterable[Item], evidence: FormulaEvidence) -> list[UnreadPlace]:
    return list(dict.fromkeys(place for item in items for place in item.hiding(evidence)))


def _may_hold(places: Sequence[UnreadPlace], items: Sequence[Item]) -> str:
    """Name what was not read and may hold the statements, each kind with its number and first place."""
    told = []
    for what, one, many in _WORDS:
        here = [p for p in places if p.what is what]
        if here:
            told.append(f"{f'1 {one}' if len(here) == 1 else f'{len(here)} {many}'} ({here[0].place})")
    return " and ".join(told).replace(" it ", " it " if len(items) == 1 else " them ")


_WORDS = (
    (Unread.LINE, "unread line may hold it", "unread lines may hold it"),
    (Unread.PICTURE, "image may hold it", "images may hold it"),
    (Unread.OWN_DISK, "image lies on the author's own disk", "images lie on the author's own disk"),
    (Unread.FILE, "file cannot be read", "files cannot be read"),
)


def _request(places: Sequence[UnreadPlace], unread: Sequence[Item]) -> str:
    kinds = {p.what for p in places}
    if kinds == {Unread.OWN_DISK} and not unread:
        return ", where nobody else can open them: hand the images in, and better type the formulas"
    if unread and not places and not any(map(_unreadable, unread)):
        return ": a person should look"
    return ": please paste as text"


def _unreadable(item: Item) -> bool:
    """Whether no line of an open item was read to its end; a line that was may still be about something
    else.
    """
    return all("read" in line.reason for line in item.lines)


def _elsewhere(
    tally: str, evidence: FormulaEvidence, remarks: Sequence[Finding], network: AssignedNetwork
) -> Outcome:
    """A document about another network than the rubric's is compared by a person: no line of it is wrong or
    missing.
    """
    told = "; ".join(
        f"{d.artefact} derives another network ({d.other_network})" for d in evidence.other_networks
    )
    found = [
        Finding(
            message=f"this derives another network: {document.other_network}",
            place=document.lines[0].place if document.lines else Place(artefact=document.artefact),
            expected=described(network),
            found=document.other_network,
            excerpt=document.lines[0].text if document.lines else "",
            diagnosis="another-network",
            weight=Weight.REMARK,
        )
        for document in evidence.other_networks
    ]
    return unknown(f"{tally}; {told}: a person should compare", (*found, *remarks))


def _unread(items: Sequence[Item]) -> list[Finding]:
    return [
        Finding(
            message=f"{item.name} {'could not be read' if _unreadable(item) else 'is in doubt'}",
            subject=item.name,
            slip="could not be read" if _unreadable(item) else "is in doubt",
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


_SHOWN = 8
"""Unread places that are listed one by one."""
_HINTS = {
    Unread.LINE: "write it as one line of plain text: the name, =, and the formula",
    Unread.PICTURE: "type the formulas into the README; pictures of them cannot be checked",
    Unread.OWN_DISK: "put the picture into the folder that you hand in, and better type the formulas",
    Unread.FILE: "save the file again, open it once to see that it is whole, and hand it in",
}


def _unseen(items: Sequence[Item], places: Sequence[UnreadPlace]) -> list[Finding]:
    names = items[0].name if len(items) == 1 else f"{items[0].name} to {items[-1].name}" if items else ""
    messages = {
        Unread.LINE: "this line names a formula and could not be read",
        Unread.PICTURE: f"this image may hold {names}",
        Unread.OWN_DISK: "this image lies on the author's own disk: nobody else can open it",
        Unread.FILE: "this file could not be read",
    }
    return [
        Finding(
            message=messages[place.what],
            slip=messages[place.what],
            place=place.place,
            expected="formulas as text",
            found=place.text,
            excerpt=place.text if place.what is Unread.LINE else "",
            hint=_HINTS[place.what],
            diagnosis="not-in-text",
            weight=Weight.REMARK,
        )
        for place in places[:_SHOWN]
    ]

"""What of a document was not read as a formula and could hold one: lines that name a quantity, pictures, the
rest of a file.

"Not given" is said of a quantity only where none of these could hold it. A name is found more leniently here
than it is read: what is missed here becomes a wrong accusation, what is found too much a question to a
person.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from grader.backprop.assigned import made, network, remembered
from grader.backprop.own_names import in_canonical
from grader.core.assigned_network import AssignedNetwork
from grader.core.evidence.documents import Block, Document, SourceLine
from grader.core.evidence.formulas import SIGNAL, FormulaLine, FormulaVerdict, Unread, UnreadPlace
from grader.core.place import Place
from grader.extract.formulas.document.unlabelled_cells import (
    MAY_BE_FORMULA,
    in_unlabelled_cells,
    without_a_name,
)
from grader.extract.formulas.reading.linked_formulas import linked_formulas
from grader.extract.formulas.reading.notation import (
    LIST_MARK,
    latex_to_plain,
    plain_notation,
    strip_markdown,
    without_runs,
)
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.vocabulary import Token, joined_names, tokens

MAX_LINE = 4_000
"""Characters of a line that are looked at for names."""
REACH = 12
"""Lines below a statement that may have been joined to it."""
_STATES = frozenset({":", "=", "→", "⇒", "←", "|", "equals", "equal", "is", "becomes", "gives"})
_GRADIENT_WORD = re.compile(
    r"\b(?:grad(?:ient)?s?|derivatives?|slopes?|deltas?)(?:_|\b)(?:\W{0,3}(?:of|for|w\.?r\.?t\.?|with respect to|at))?"
    r"\W{0,4}w_?\{?(\d\d?)\b",
    re.IGNORECASE,
)
_GRADIENT_IN_WORDS = re.compile(
    r"\b(?:grad|deriv|slope|ableit|dérivé|nabla)\w*[^=|;]{0,60}?(?<![A-Za-z])w_?\{?(\d\d?)\b", re.IGNORECASE
)
"""`The derivative of the loss by w1 …`, where what follows may be its value."""
_GRADIENT_OF_ALL = re.compile(
    r"(?:∇|\\nabla)\s*_?\s*[{(]?\s*(?:\\(?:mathbf|boldsymbol|bm|vec)\s*\{?\s*)?[wW](?![A-Za-z])[^=]{0,40}=(?!=)"
)
"""`∇_{W^(2)} E = δ aᵀ`: the gradients of a layer as one matrix."""
_GRADIENT_OF_A_LAYER = re.compile(
    r"(?:[∂𝜕d]\s?[ELJC]\w*\s*/\s*[∂𝜕d]\s?|\\partial\s*|(?<![A-Za-z])d)[wWθΘ][^=]{0,24}=.*(?:[⊙∘ᵀ@]|\^\s*\{?\s*(?:T\b|\\top|\\intercal)"
    r"|\.T\b|\b(?:outer|dot|matmul)\(|\\odot|\\circ)"
)
"""`∂E/∂W2 = δ ⊙ …`, `dW2 = np.outer(…)`: W2 is a matrix there."""
_ALIKE = r"\b(?:likewise|similar\w*|analog\w*|same\s+way|ebenso|entsprechend)\b"
_MEANS_ANOTHER = re.compile(rf"(?:δ|\\delta).*{_ALIKE}", re.IGNORECASE)
"""`δ_o1 is …, and δ_o2 likewise`: more than was read of it."""
_DEFINES_A_SIGNAL = re.compile(
    r"(?:δ|\\delta)[^=/]{0,40}(?:=|:(?!\s*$)|\b(?:is|are|for|denotes?|be|stands)\b.*[(·*])"
    rf"|{_ALIKE}.{{0,40}}(?:δ|\\delta|[oO]_?2|output)|(?:δ|\\delta).{{0,40}}{_ALIKE}",
    re.IGNORECASE,
)
"""A line that may say what a δ is, or that another is made alike."""
_STEP_WORD = re.compile(r"\b(?:new|updated?|old|learning|rate|step)\b|[-−]=", re.IGNORECASE)
_RULE_OF_THETA = re.compile(
    r"(?:θ|\\?theta)[^\s=]{0,24}\s{0,4}(?::=|=|←)(?=.*(?:∂|∇|partial|nabla|gradient))"
)
"""`θ = θ - …`, whatever its sign."""
_STEPPED = re.compile(r"=[^=]*\w[^=]*[-−–][^=]*[∂d]\s*E\w*\s*/\s*[∂d]\s*w|=[^=]*\w[^=]*[-−–][^=]*∇")
"""`peso_nuevo = peso_viejo - 0,5·∂E/∂w`: a derivative behind a minus, whatever the weight is called."""
_MINUS = re.compile(r"[-−–]")
_UPDATE_IN_WORDS = re.compile(
    r"\b(?:updat|subtract|adjust)\w*\b[^.]{0,80}\bweights?\b|\bweights?\b[^.]{0,80}\b(?:updat|subtract|adjust)",
    re.IGNORECASE,
)
_PRINTED_LOSS = re.compile(
    r"(?i)(?=.*(?:\bepochs?\b|\bbatch|\bacc(?:uracy)?\b|\bstep\b|it/s|\d%\|))(?:.*\W)?(?:\w+[_ ])?loss\s*[:=]\s*"
    r"\d+\.\d{2,}(?![\d.]*\s*[*^(])"
)
"""A line that a training printed: `loss=0.0568 batch_id=468: 100%|███|`. A number is no definition of the loss."""
_PRINTED_LOSSES = re.compile(r"(?i)\bloss\s*:\W*(?:[A-Za-z][\w ]{0,20}\s*[:=]\s*\d+\.\d{2,}[\s,;|]*){2,}$")
"""`Loss: MNIST: 0.2497 SUM: 0.1919`, of a training with several losses."""
_EXPONENT = re.compile(r"\d(?:\.\d+)?e[-+]\d+", re.IGNORECASE)
"""A number as a program prints it, `1.0000e-01`: its minus subtracts nothing."""
_BAR = re.compile(r"\d%\s?\|[^|]{0,120}\|\s*\d+/\d+\s*(?:\[[^\]]*\]?)?")
"""A progress bar with its times: `[01:25<00:00]` is no output o1."""
_MATH_IMAGE = re.compile(r"codecogs\.com|render/math\?math=|cht=tx|<m(?:ath|frac|sub|row)\b", re.IGNORECASE)
"""Formulas in an address, or in MathML."""


def unread_places(document: Document, lines: Sequence[FormulaLine]) -> tuple[UnreadPlace, ...]:
    """Return what of a document could hold a formula that is not among `lines`."""
    found: list[UnreadPlace] = []
    stated = {line.place for line in lines}
    known = {line.place for line in lines if line.verdict is not FormulaVerdict.UNSURE or line.states}
    for line, rest in _left_over(document.lines, lines):
        names = named_quantities(rest, line.block, in_words=line.place not in known)
        if (line.block is Block.TABLE or "<td" in rest.lower()) and line.place not in stated:
            names = tuple(sorted({*names, *in_unlabelled_cells(rest)}))
        elif line.block is not Block.TABLE and line.place not in known:
            names = tuple(sorted({*names, *without_a_name(rest, line.block)}))
        if names or _MATH_IMAGE.search(rest):
            found.append(UnreadPlace(what=Unread.LINE, place=line.place, names=names, text=line.text[:200]))
    found += [
        UnreadPlace(
            what=Unread.OWN_DISK if picture.on_own_disk else Unread.PICTURE,
            place=picture.place,
            text=picture.target or picture.text,
        )
        for picture in document.pictures
    ]
    if document.problem:
        place = Place(artefact=document.path)
        found.append(UnreadPlace(what=Unread.FILE, place=place, text=document.problem))
    return tuple(found)


def _left_over(
    lines: Sequence[SourceLine], statements: Iterable[FormulaLine]
) -> Iterator[tuple[SourceLine, str]]:
    """Yield each line with what remains of it beside the statements that were read."""
    read: dict[Place, list[str]] = {}
    for statement in statements:
        if statement.verdict is not FormulaVerdict.UNSURE and not _MEANS_ANOTHER.search(statement.text):
            read.setdefault(statement.place, []).append(statement.text)
    joined: list[str] = []
    left = 0
    for line in lines:
        here = read.get(line.place)
        if here is not None:
            joined, left = here, REACH
        left -= 1
        if not line.text.strip():
            continue
        squeezed = without_runs(line.text)
        whole, rest = squeezed.strip(), squeezed[:MAX_LINE]
        if here is None and left > 0 and any(rest.strip() in text for text in joined):
            continue
        for text in here or ():
            rest = rest.replace(text, " ; ")
        if here is not None and any(text.startswith(whole) for text in here):
            continue
        yield line, rest


@remembered(most=4_096)
def named_quantities(text: str, block: Block, *, in_words: bool = True) -> tuple[str, ...]:
    """Return the quantities that a line may state: `∂E/∂w1`, `h1`, `E`, and `w1` for an update of it.

    In code cells any name may mean anything, so only gradients count there. `in_words` says whether words
    alone may tell an update: beside a rule that was read they introduce it.
    """
    text = in_canonical(_BAR.sub(" ", text) if "%" in text else text)
    if block is Block.PROSE and _only_speaks(text):
        return ()
    told = in_words and block is not Block.CODE and _UPDATE_IN_WORDS.search(text) is not None
    if not _MAY_NAME.search(text):
        return network().weights if told else ()
    parts = (
        [*linked_formulas(SourceText(text)), SourceText(text)]
        if _MATH_IMAGE.search(text)
        else [SourceText(text)]
    )
    weights = network().weights
    found: set[str] = set()
    derives = False
    for part in parts:
        bare = latex_to_plain(part) if "\\" in part.text else strip_markdown(part)
        plain = joined_names(plain_notation(bare)).text
        cut = tokens(plain)
        derives = derives or any(t.kind in ("d", "pair") for t in cut)
        found |= _names(cut, block)
        by_words = (m for m in _GRADIENT_IN_WORDS.finditer(plain) if MAY_BE_FORMULA.search(plain, m.end()))
        named = {f"w{m[1]}" for m in (*_GRADIENT_WORD.finditer(plain), *by_words)}
        found |= {f"∂E/∂{name}" for name in named & set(weights)}
    if _GRADIENT_OF_ALL.search(text) or _GRADIENT_OF_A_LAYER.search(text) or _lists_products(text):
        found.add("∂E/∂w?")
    if block is not Block.CODE and _DEFINES_A_SIGNAL.search(text):
        found.add(SIGNAL)
    if block is Block.CODE:
        found = {name for name in found if name.startswith("∂")}
    elif found & {"w?", *weights} and not (
        _STEP_WORD.search(text) or "eta" in found or (derives and _MINUS.search(text))
    ):
        found -= {"w?", *weights}
    stepped = (
        ("eta" in found and _MINUS.search(_EXPONENT.sub("", LIST_MARK.sub("", text))))
        or _RULE_OF_THETA.search(text)
        or _STEPPED.search(text)
    )
    if told or (block is not Block.CODE and stepped):
        found.add("w?")  # w_neu = w_alt - η·∂E/∂w: whatever the weight is called
    if _PRINTED_LOSS.match(text) or _PRINTED_LOSSES.search(text):
        found -= made(_losses)
    every = {"w?": weights, "∂E/∂w?": tuple(f"∂E/∂{w}" for w in weights)}
    named = {n for name in found for n in every.get(name, (name,))}
    return tuple(sorted(named - {"eta"}))


_LISTED = re.compile(
    r"\s*(?:return\b|[A-Za-z_]\w*\s*=(?!=))\s*(?:[\w.]+\(\s*)?[\[(]?(?P<entries>[^=]*?)[\])\s,;]*"
)


def _lists_products(text: str) -> bool:
    """Whether a line of a program gives as many products as there are weights: `return [d_h1 * i1, …]`."""
    listed = _LISTED.fullmatch(text) if text.count(",") + 1 >= len(network().weights) else None
    entries = listed["entries"].split(",") if listed else []
    return len(entries) == len(network().weights) and all("*" in entry for entry in entries)


def _only_speaks(text: str) -> bool:
    """Whether a line is an English sentence in which nothing is worked out: `Then the gradients of w6 to w8 are
    calculated, where i = 1, 2.` Words that say a calculation count as its signs.
    """
    bare = _NO_SIGN.sub(" ", text)
    return (
        len(_LONG_WORD.findall(bare)) >= 5 and len(_SMALL_WORD.findall(bare)) >= 2 and not _SIGN.search(bare)
    )


_NO_SIGN = re.compile(
    r"[∂𝜕δd]\s?\w{1,12}\s*/\s*[∂𝜕δd]\s?w(?:<sub>)?\w{0,6}(?:</sub>)?|</?[a-z]{1,6}\s*/?>|^\s*(?:[-*+>]|\w{1,4}[.)])\s"
    r"|\b[ijkn]\s*=\s*\d[\d,.… ]*\d|(?<=[A-Za-z])-(?=[A-Za-z]{3})|\d\.\d+e[-+]?\d+|\*\*|(?<=[A-Za-z])/(?=[A-Za-z]{3})"
)
"""A derivative that is named, tags, marks of a list, ranges of an index, hyphens, numbers as a program prints them."""
_LONG_WORD = re.compile(r"(?<![\w\\])[A-Za-z]{3,}(?!\w)")
_SMALL_WORD = re.compile(
    r"\b(?:the|we|is|are|was|were|to|of|and|for|with|in|on|by|this|that|these|it|be|can|then|so|as)\b",
    re.IGNORECASE,
)
_SIGN = re.compile(
    r"[=*/^·×+²³√½→⇒←:|\\$`{}\[\]<>]|[-−–]|(?<!\w)\(\s*\w+\s*\)\s*\(|\b(?:is|are|was|becomes?|gives?|as)\s+(?:[\d(]|\w{1,3}\d\b)"
    r"|(?i:\b(?:times|product|multipl\w*|minus|plus|divid\w*|squared?|sum\w*|equal\w*|differen\w*|subtract\w*|add(?:ed|ing)?|into|over"
    r"|same|similar\w*|likewise|analog\w*|replac\w*|instead|place|swap\w*|exchang\w*|substitut\w*|half|subtrah\w*|reduc\w*|decreas\w*)\b)"
)


_MAY_NAME = re.compile(
    r"[wWhoOaEdt∂][\w\\{}<>^/(). ]*[1-9iEx]|[EJL]\b|loss|error|_new|\\partial", re.IGNORECASE
)


def _losses(assigned: AssignedNetwork) -> frozenset[str]:
    return frozenset({"E", *assigned.losses})


def _defined(assigned: AssignedNetwork) -> frozenset[str]:
    return frozenset(set(assigned.quantities) - set(assigned.leaves))


def _names(found: list[Token], block: Block) -> set[str]:
    flat = [t for t in found if t.name not in ("(", ")", "$", "^") and t.kind != "prime"]
    names: set[str] = set()
    for at, token in enumerate(flat):
        if token.kind == "pair" and token.name in made(_losses) and token.second.startswith("w"):
            names.add(f"∂E/∂{token.second}")
        if token.kind != "sym":
            continue
        if token.name == "eta":
            names.add("eta")
        elif at and flat[at - 1].kind == "d":
            if token.name.startswith("w") and _of_the_loss(flat, at - 1) and _may_state(flat, at, block):
                names.add(f"∂E/∂{token.name}")
        elif (token.name in made(_defined) or token.name.startswith("w")) and _is_stated(flat, at, block):
            names.add(token.name)
    return names


def _of_the_loss(flat: list[Token], d: int) -> bool:
    """Whether what is derived is the loss, or is not said: ∂E1/∂w5 and a bare dw5, but not ∂o1/∂w5."""
    if d < 2 or flat[d - 1].name != "/":
        return True
    return flat[d - 2].kind != "sym" or flat[d - 2].name in made(_losses)


def _may_state(flat: list[Token], at: int, block: Block) -> bool:
    """Whether a gradient may be given where it is named: alone on its line, in a table or formula, or before
    a value.
    """
    if block in (Block.TABLE, Block.MATH, Block.CODE, Block.HEADING):
        return True
    after = flat[at + 1 :]
    if any(t.name in _STATES for t in flat[:at]) and not any(t.name in _STATES for t in after):
        return False
    end = next((k for k, t in enumerate(after) if t.kind == "d"), len(after))
    if any(t.name in _STATES or t.kind in ("sym", "num", "fn") for t in after[:end]):
        return True
    return not any(t.kind == "word" and t.name.isalpha() and len(t.name) > 1 for t in flat)


def _is_stated(flat: list[Token], at: int, block: Block) -> bool:
    """Whether a name is followed by a sign that states it, and where that may mean else, by what could be its
    value.
    """
    after = flat[at + 1 : at + 4]
    while after and after[0].kind == "word" and after[0].name.strip("_") in ("new", "old", "updated"):
        after = after[1:]
    if not after:
        return False
    arrow = after[0].name == "-" and len(after) > 1 and after[1].name in (">", "=")
    if arrow or after[0].name in ("=", "→", "⇒", "←"):
        return True
    if after[0].name == "|" and block is Block.TABLE and at and flat[at - 1].name != "|":
        return False
    value = any(t.kind in ("sym", "fn", "num", "d", "pair") for t in flat[at + 2 :])
    return after[0].name in _STATES and value

"""Words around a number that decide whether it is a claim, and how it is made one.

Copied requirements are no claims. A number counts only where the sentence says that it *was* reached
(`achieved`, `got`), or where it labels a result (`Test accuracy: 99.42`); `to achieve`, `should`, `less than`
and lists of requirements do not.
"""

import re
from typing import NamedTuple

from grader.core.evidence.claims import Bound, Claim, On, What
from grader.extract.claims.sentences import Sentence

DONE = re.compile(
    r"(?<![a-z])(?:achieved|acheived|achived|reached|got|obtained|attained|hit|managed to|able "
    r"to|gets|gives|gave|resulted|yield(?:ed|s)|scored|satisf\w+|met|done|ok|yes)(?![a-z])",
    re.IGNORECASE,
)
PLANNED = re.compile(
    r"(?<![a-z])(?:should|must|needs?|have to|has to|aim\w*|assignments? (?:is|was)|is to "
    r"\w+|goals?|targets?|objectives?|purpose|tr(?:y|ying)|wants?|(?<!as )expect(?:s|ed|ing)?|hop(?:e|ing)|requirements?|such "
    r"that|minimum"
    r"|tasks?|asks?|constraints?|trying|ensur\w+|to "
    r"(?:achieve|acheive|reach|get|obtain|attain|be|beat|hit|cross)|in "
    r"order|challenge|would|could|can|will)(?![a-z])",
    re.IGNORECASE,
)
# A feature list and a description speak in the present tense (`Achieves 99.4 %`, `a CNN that reaches …`); so
# does an order.
NOW = re.compile(
    r"(?<![a-z])(?:achieves|acheives|achieving|reaches|reaching|attains|attaining|obtains|hits|scores|delivers|cross(?:es|ed)|with "
    r"an? accuracy of)(?![a-z])",
    re.IGNORECASE,
)
ORDER = re.compile(
    r"^[\W\d]*(?:please\s+)?(?:create|build|design|write|make|train|develop|implement|construct|find|get|use|modify|change|come "
    r"up|define|(?:improve|increase|raise) (?:the|its|our)|we (?:need|have|want)|you(?:r)?)(?![a-z])"
    r"|(?<![a-z])to (?:create|build|design|write|make|train|develop|implement|construct|find)(?![a-z])",
    re.IGNORECASE,
)
BAR = re.compile(r"\d%\s*\|[^|]{0,80}\|\s*\d+/\d")
"""A progress bar that a training drew."""
ASIDE = re.compile(
    r"(?<![a-z])(?:in (?:the |our )?(?:class|lecture|course|session|paper|literature|video)|other (?:people|students|authors|works?|teams?|groups?)"
    r"|state[ -]of[ -]the[ -]art|sota|humans?|(?:the|a|original) papers?|lecun|published|leaderboard|kaggle|(?:last|previous) (?:assignment|session|homework|exercise|week)"
    r"|(?:(?:class|team|room|study) ?mate|colleague|friend|someone|somebody)(?:['’]?s)?(?!\s*(?:and|&)\s+(?:I|me|myself)\b)"
    r"|(?:instructor|teacher|professor|lecturer|tutor)(?:['’]s|s['’])|partner\s+(?:group|team)(?:['’]?s)?|last time|inspired by|(?:a|the|this) (?:blog ?)?(?:post|blog|article|kernel)(?!-)|see (?:the )?paper|class file|vorlesung)(?![a-z])|"
    r"^(?![^.]*\b(?:our|my|this)\b)[^.]{0,40}?(?<![a-z])(?:lenet|alexnet|vgg|resnet|mobilenet|efficientnet|densenet)[-\w]{0,6}"
    r"\s+(?:has|have|had|gets?|got|needs?|needed|reach\w*|achiev\w*)(?![a-z])|"
    r"(?<![a-z])(?:previous(?:ly)?|earlier|prior|before|baseline|without|initial(?:ly)?|at "
    r"first|experiments?|tried|attempts?|other models?|other architectures?|first model"
    r"|older|improv\w+ from|increase\w* .{0,30}from|instead|went up|used "
    r"to|never|not|no(?!\.?\s*(?:of\b|\d))|could\w*|[a-z]+n['’]t|another|if"
    r"|(?:need\w*|ha[sd]|have) to be (?:reduced|decreased|lowered|cut|shrunk|brought down)"
    r"|(?:is|was|are|were) (?:a\s?lot|huge|too (?:many|much|high|large|big)))(?![a-z])",
    re.IGNORECASE,
)
_RUN = (
    r"(?:run|version|variant|attempt|trial|try|model|network|net|cnn|notebook|iteration|experiment|architecture"
    r"|config(?:uration)?|training|code|step|stage|phase|round|seed|fold)"
)
_NUMBER_OF_IT = (
    r"\s*(?:no\.?|nr\.?|number|#)?\s*[-_:]?\s*(?:\d{1,2}(?![\d.,]*\d|\s*[%x×-]|\w)|(?-i:[A-H])(?!\w))"
)
_NUMBERED = re.compile(
    rf"(?<![a-z]){_RUN}{_NUMBER_OF_IT}"
    r"|(?<!era )(?<!eva )(?<!epai )(?<![\w.])v\.?\s?\d{1,2}(?:\.\d{1,2})?(?![\w%])"
    r"|(?<![a-z])(?:first|second|third|fourth|fifth|\d(?:st|nd|rd|th)|other|old(?:er)?|larger|bigger|smaller|deeper"
    rf"|wider|narrower|shallower|simpler|heavier|lighter|different|original)\s+(?:\w+\s+)?{_RUN}s?(?![a-z])",
    re.IGNORECASE,
)
_OF_OTHERS = re.compile(
    r"(?<![a-z])(?:original|starter|starting|given|provided)\s+(?:model|network|net|notebook|code|file|version|architecture)s?(?![a-z])"
    r"|(?<![a-z])(?:model|network|net|notebook|code|architecture)\s+(?:of|from)\s+(?:the\s+|our\s+)?(?:class|course|lecture|instructor"
    r"|teacher|template|tutorial)(?![a-z])"
    r"|(?-i:(?<!\w)(?!It|Let|That|Here|What|There|Net)[A-Z][a-z]{2,}['’]s)\s+(?:network|model|net|cnn|notebook|has|had|got|reach\w*)(?![a-z])"
    r"|(?<![a-z])group\s+\d{1,2}\s+(?:presented|showed|reach\w*|achiev\w*|reported|got|ha[sd])(?![a-z])"
    r"|^\W*(?:an?|any|most)\s+(?:\w+\s+)?(?:model|network|net|cnn)s?\s+(?:with|of)\s+\W?\d[\d.,]*\s*k?\s*(?:para?m\w*\s+)?"
    r"(?:can|could|would|might|may|easily|usually|often|reach(?:es)?|gets?|achieves?|has|have)(?![a-z])",
    re.IGNORECASE,
)
"""A network that is not the submitted one: of the class, of another group, or any of a size."""
_HEADED = re.compile(
    rf"(?<![a-z])(?:run|version|variant|attempt|trial|model|network|cnn|experiment|iteration){_NUMBER_OF_IT}"
    r"|^\W*v\.?\s?\d{1,2}(?:\.\d{1,2})?(?![\w%])",
    re.IGNORECASE,
)
"""A heading of one of several runs or networks; `Session 4` and `ERA V1` are of the assignment."""
_SUBMITTED = re.compile(
    r"(?<![a-z])(?:final(?:ly)?|submitted|submission|current|this|best|last|latest)(?![a-z])", re.IGNORECASE
)


_SETTING = (
    r"(?:(?:a|an|the|only|just|no|higher|lower|larger|smaller|bigger)\s+)*(?:batch[\s_-]*size|learning[\s_-]*rates?|lr|adam\w*|n?adam"
    r"|sgd|rmsprop|adagrad|dropout|kernel|augmentation|rotations?|momentum|weight\s+decay|one\s?cycle\w*|step\s?lr|relu|tanh"
    r"|leaky\s?relu|gelu|swish|batch\s?norm\w*|layer\s?norm\w*|group\s?norm\w*|max[\s-]?pooling|(?:\d+|more|fewer)\s+(?:\w+\s+)?"
    r"(?:channels|filters|layers|kernels|epochs))(?![a-z])"
)
_OF_A_SETTING = re.compile(
    rf"^\W*(?:so\s+|then\s+|also\s+)*(?:with|using|for|at|without)\s+{_SETTING}|^\W*{_SETTING}(?:[^.;]|\.\d){{0,30}}?(?:gave|gives|got|gets|reach|achiev)"
    r"|^\W*(?:add|remov|dropp|increas|decreas|reduc|chang|replac|switch|widen|doubl|halv|lower|rais|swapp)ing(?![a-z])"
    r"|(?<![a-z])training\s+(?:it\s+)?for\s+\d+\s+epochs\s+(?:gave|gives|got|reach)|[;,]\s*\d+\s+epochs\s+(?:gave|gives|got|reach)"
    r"|(?<![a-z])(?:on|with)\s+(?:my|a|an|the)\s+(?:\w+\s+)?(?:laptop|cpu|gpu|pc|computer|machine|mac\w*)(?![a-z])"
    r"|(?<![a-z])(?:again|re-?runs?|re-?running|repeat\w*|re-?train\w*)(?![a-z])",
    re.IGNORECASE,
)
"""One of several settings that were tried, as what reaches an accuracy: `with Adam`, `batch size 64 gave`."""
_BEHIND = re.compile(
    rf"^\W*(?:(?:test|validation|val|accuracy)\s+)*(?:with|using|for|at|without)\s+{_SETTING}", re.IGNORECASE
)


def is_of_several(before: str, after: str, heading: str) -> bool:
    """Whether the words around a number, or the heading above, tell of one of several runs, networks or settings, and
    not which of them was submitted.
    """
    if any(map(_SUBMITTED.search, (before, after, heading))):
        return False
    runs = any(map(_NUMBERED.search, (before, after))) or _HEADED.search(heading) is not None
    runs = runs or _OF_OTHERS.search(before) is not None
    return runs or _OF_A_SETTING.search(before) is not None or _BEHIND.search(after) is not None


LESS = re.compile(
    r"(?:less(?:er)? than|fewer than|lower than|smaller than|under|below|within|up ?to|upto|at "
    r"most|max(?:imum)? of|limit\w*(?: of| is|:)?|not "
    r"exceed\w*|between|exactly|<=?|≤|from|till|until|beyond|per|budget\w*(?: "
    r"of|:)?)\s*(?:the\s+|a\s+)?[~≈]?\s*$",
    re.IGNORECASE,
)
MORE = re.compile(
    r"(?:>=?|≥|at ?least|greater than|more than|above|over|higher than|exceed\w*|beyond|atleast)\s*$",
    re.IGNORECASE,
)
ABOUT = re.compile(r"(?:~|≈|about|around|approx\w*\.?|nearly|almost|roughly|close to)\s*$", re.IGNORECASE)


class Number(NamedTuple):
    """A written number: its value, what its last digit is worth, and the characters."""

    value: float
    unit: float
    written: str


def make_claim(
    sentence: Sentence,
    what: What,
    number: Number,
    bound: Bound,
    *,
    on: On = On.TEST,
    best: bool = False,
    epochs: tuple[int, ...] = (),
    any_epoch: bool = False,
    around: tuple[str, str] | None = None,
) -> Claim:
    """Make a claim of a number in its sentence; `around` is what stands before and after it of its own."""
    before, after = around or (sentence.text, "")
    return Claim(
        what=what,
        value=number.value,
        unit=number.unit,
        place=sentence.place,
        written=number.written,
        excerpt=sentence.text[:300],
        bound=bound,
        on=on,
        best=best,
        epochs=epochs,
        any_epoch=any_epoch,
        section=sentence.section,
        aside=bool(ASIDE.search(sentence.text)),
        numbered=is_of_several(before, after, sentence.heading),
    )

"""What is said in words or by a label where others write symbols: `new weight = old weight - learning rate * gradient`, `w6: (…)`.

Words of the languages in which hand-ins were met; a word that is missing here leaves a line unread, never wrong.
"""

import re

from grader.backprop.expression import Expr
from grader.backprop.name_patterns import Named
from grader.extract.formulas.reading.source_map import SourceText, rules
from grader.extract.formulas.reading.vocabulary import AGES

_WORD = "[A-Za-zÀ-ÿ]"
_SUBTRACTED = (
    r"(?:(?:the|its|die|der|das|la|le|el)\s+)?(?:learn\w*|lernrate|taux|tasa|taxa|tasso|step|rate|old|new|previous"
    r"|alte?[rsn]?|weights?|gewicht\w*|grad\w*|deriv\w*|dériv\w*|ableitung|eta|alpha|sig\w*|exp|actual|predicted"
    r"|outputs?|targets?|times|sum|product)"
)
"""Words that a formula in words subtracts; other words behind a dash are a remark."""
_REMARKS = rules(
    (r"\s-\s*\(\d{1,2}\)\s*$", "", "-"),
    (
        r"(?<=[\w)])\s+\((?:[Tt]otal\s*)?(?:[Ee]rr?or|[Ll]oss|[Ee]q(?:n|uation)?|[Ss]tep)[\s._#:-]*\d{0,2}\)\s*$",
        "",
        "ror",
        "oss",
        "q",
        "tep",
    ),
    (r"_?\*{2}\s*$", "", "**"),
    (r"_(?<=[\w)]_)\s*$", "", "_"),
    (r"\s-\s*(?:By|by|[Rr]ef|[Ss]ubst\w*|[Uu]sing|[Ff]rom|[Aa]s|[Ss]ame)\b.*$", "", "-"),
    (rf"(?<=[\d)\]²])\s-\s+(?!(?:{_SUBTRACTED})\b){_WORD}{{3,}}\s+{_WORD}{{2,}}\b[^*/=^]*$", "", "-"),
    (r"_\(.*$", "", "_("),
    (r"\(\s*w\d does not.*$", "", "does not"),
    (r"_?>>.*$", "", ">>"),
    (r":\s*\(?\s*[Ss]ince.*$", "", "ince"),
    (r"\b[Ss]ince\b.*$", "", "ince"),
    (r"\beg\s*:.*$", "", "eg"),
    (r"\s#\s.*$", "", "#"),
    (r"\s-\s*As .*$", "", "As "),
    (r"\*?\s*equation \d.*$", "", "equation "),
    (r"\(\s*(?:[A-Za-z_0-9]+ )+(?:[A-Za-z]+)\s*\)?\s*$", "", " "),
    (r"\(\s*as\b.*$", "", "as"),
    (
        r"\s\([^()=]*\b(?:is|are|of|the|from|by|using|because|where|applying|following|function|does|not|depends?)\b.*$",
        "",
        "is",
        "are",
        "of",
        "the",
        "from",
        "by",
        "using",
        "because",
        "where",
        "applying",
        "following",
        "function",
        "does",
        "not",
        "depend",
    ),
    (r"\s{2,}\((?:[ivx]+|\d{1,2})\)\s*$", "", "("),
    (r"-{2,}\s*>?\s*\(?\w{0,3}\)?\s*\*?\s*$", "", "--"),
    (r"\s-{2,}.*$", "", "--"),
    (r",?\s*\bwhere\b.*$", "", "where"),
    (r"\s//.*$", "", "//"),
    (r"\bas\s+[A-Z]\w* (?:is|does|has|do).*$", "", "as"),
    (r"\(\s*[Nn]ote.*$", "", "ote"),
    (r",\s*(?:since|because|as|here|which)\b.*$", "", ","),
)
"""What is said behind a formula, to the end of the line."""
_FOR_AN_INDEX = re.compile(
    r"[,;]?\s*\(?(?:\b(?:for|für|pour|para|with|mit|all|every|alle)\b\s+){0,2}\b[ijkn]\s*(?:=|∈|\bin\b)\s*[({]?\s*1\s*\W.*$"
)
"""`for i = 1, 2`, behind a formula to the end of the line."""
_OF_AN_INDEX = re.compile(r"[ijkn]\s*(?:=|∈|in)")
"""What such a remark holds: found or not in a fortieth of its time."""
_STARRED = re.compile(r"(?<=\w)\s*\*\s*(?==)")
_SAID_OF_IT = re.compile(r"(?<=\w)\s*\((?=[^()=]*[A-Za-z]{4})(?:[A-Za-z]+[\s,.]*){1,8}\d?\s*\)\s*(?==)")
"""`E1 (error of the first output) = …`."""
_AGE = rf"(?:(?:{AGES}|re-?calibrated|adjusted|existing|initial)[\s_-]*)"
_WEIGHT = rf"{_AGE}?(?:weights?|gewichte?|pesos?|poids|gewicht|w(?:_?[ijk])?(?![\w]))(?:[\s_]*{_AGE})?"
_RATE_WORDS = (
    r"learning[\s_-]*rate|lernrate|tasa[\s_]+de[\s_]+aprendizaje|taux[\s_]+d['’]?apprentissage"
    r"|taxa[\s_]+de[\s_]+aprendiza(?:do|gem)|tasso[\s_]+di[\s_]+apprendimento|leersnelheid|öğrenme[\s_]+oranı"
    r"|скорость[\s_]+обучения|学习率|学習率"
)
_RATE = rf"\(?\s*(?:{_RATE_WORDS}|lr|η|eta)\s*\)?"
_GRADIENT = (
    r"(?:the\s+)?(?:weight'?s?\s+)?(?:gradient[es]?s?(?:_\w+)?(?:\s+(?:for|of|with\s+respect\s+to|w\.?r\.?t\.?)\b[^=*+-]*)?"
    r"|(?:partial\s+)?derivatives?\s+of\b[^=*+-]*|ableitung|derivada|dérivée|derivata"
    rf"|gradiente|gradiënt|[∂d][ELCJ]\w*\s*/\s*[∂d]\s*(?:weights?|w(?![A-Za-z0-9]))(?:[\s_]*{_AGE})?)"
)
_RULE = re.compile(
    rf"(?i)(?<![\w])({_WEIGHT})(\s*=\s*)({_WEIGHT})(\s*-\s*)(\(?\s*)({_RATE})\s*(?:\*|\bx\b)\s*\(?\s*({_GRADIENT})\s*\)?"
)
_NAMED = Named(
    r"(?i)(?<=[*(x\s])gradients?\s+(?:of\s+(?:the\s+)?(?:E\w*|loss|error|cost)\s+)?"
    r"(?:for|of|w\.?r\.?t\.?|with\s+respect\s+to)\s+(w_?@weights@)\b(?!\s*[=:])"
)
_INDEX = rf"(?:[_^]?[{{(]?(?:{AGES}|[ijkt](?:\+1)?)[}})]?)*"
_GENERAL = re.compile(
    rf"(?i)(?<![\w])(?P<name>θ|theta|w(?:eights?)?){_INDEX}\s*(?::=|=:?|←|<-)\s*(?P=name){_INDEX}\s*-\s*"
    r"(?:η|eta|α|alpha|lr|γ|ε|λ)\s*[*·×]?\s*(?:"
    rf"[∂∇]\s*_?[{{(]?(?:(?P=name){_INDEX})?[}})]?\s*[{{(]?[EJLC](?:_?[A-Za-z]*)[}})]?"
    rf"(?:\(\s*(?P=name){_INDEX}\s*\))?(?![\s)]*/)"
    rf"|[\s(]*[∂d][\s(]*[EJLC][A-Za-z_]*[\s)]*/[\s(]*[∂d][\s(]*(?:θ|theta){_INDEX}[\s)]*"
    r")(?!\w)(?!\s*[*/+(-])"
)
"""`θ_new = θ_old - α ∇E(θ)`, `W = W - η ∇E_total`: one letter for all weights."""
_SAID_RULE = re.compile(
    rf"(?i)^(?=[^=]*\bweight)(?![^=]*\b(?:not|never|add(?:ed|ing|s)?)\b)[^=]*\bsubtract(?:ing|ed|s)?\s+(?:from\s+\w+\s+)?"
    rf"(?:the\s+)?(?:product\s+of\s+)?(?:the\s+)?(?:{_RATE_WORDS})\s*(?:times|multiplied\s+(?:by|with)|and|\*|×|x)\s*"
    r"(?:the|its|their|that|this)?\s*(?:own\s+|corresponding\s+|respective\s+|partial\s+)*(?:gradient|derivative)s?\b[^=]*$"
)
"""`Each weight is updated by subtracting the learning rate times its gradient from the old weight.`"""
_SAID_MINUS = re.compile(
    rf"(?i)^(?=[^=]*\bweights?\b)(?![^=]*\b(?:not|never|add(?:ed|ing|s)?|plus)\b)[^=]*\b(?:old|current|previous|last)\s+"
    rf"(?:value|weight|one)s?\s+minus\s+(?:the\s+)?(?:{_RATE_WORDS})\s*(?:times|multiplied\s+(?:by|with)|\*|×|x)\s*"
    r"(?:the|its|their|that|this)?\s*(?:own\s+|corresponding\s+|respective\s+|partial\s+)*(?:gradient|derivative)s?\b[^=]*$"
)
"""`Each new weight is the old weight minus the learning rate times its gradient.`"""
_INDEXED = re.compile(
    r"(?i)(?<![\w.])(?P<name>w|weights?)\s*\((?P<k>[ijkn])\)\s*(?:=\s*(?P=name)\s*\((?P=k)\)\s*-|-=)\s*"
    r"(?:η|eta|lr|learning_rate|alpha|self\.lr)\s*\*\s*(?:grad(?:ient)?s?|d[ELJ]?_?d?w)\s*\((?P=k)\)\s*$"
)
"""`w[k] = w[k] - lr * grads[k]` in a loop over all weights."""
_ALL_WEIGHTS = "w_new = w_old - η * ∂E/∂w_old "
_GRADIENT_OF = Named(
    r"(?i)\b(?:partial\s+|partielle\s+)?(?:gradient[es]?|derivative|ableitung|derivada(?:\s+parcial)?|dérivée(?:\s+partielle)?"
    r"|derivata(?:\s+parziale)?)"
    r"(?:\s+(?:of|von|vom|des|der|de|del|du|da|do|di|della)\s+(?:the\s+|la\s+|el\s+|l['’]\s*)?(?:total\s+)?"
    r"(?:error|loss|cost|fehlers?|verlust\w*|erreur|perte|error|pérdida|erro|perda|errore|(E(?:_?(?:total|tot|t|@outputs@))?\b)))?"
    r"(?:\s+total)?\s+"
    r"(?:with\s+respect\s+to|w\.?\s?r\.?\s?t\.?|wrt|for|of|nach|für|von|par\s+rapport\s+à|con\s+respecto\s+a|respecto\s+a"
    r"|respecto\s+de|em\s+relação\s+a|rispetto\s+a|para|pour|de|di)\s+(?:the\s+)?(?:weight\s+|gewicht\s+|peso\s+|poids\s+)?"
    r"([wW]_?@weights@)\b(?=\s*(?:[=:*_]|is\b|->|=>|→|ist\b|est\b|es\b|é\b|è\b|equals?\b|becomes\b|yields\b|gives\b|turns\b"
    r"|comes\b|works\b|simplifies\b|reduces\b|evaluates\b|ergibt\b|beträgt\b|lautet\b|vaut\b|$))"
)
"""`The derivative of E with respect to w5 is`, before its formula."""
_AGED = Named(rf"(?i)(?<![\w])(?:{AGES})(?:_|\s+(?=w_?@weights@))(w(?:_?(?:@weights@|i))?)(?=\s*[=-])")
"""`new_w3`, `New W1 =`: the age stands before the weight."""
_AGED_AFTER = Named(rf"(?i)(?<![\w])(w(?:_?(?:@weights@|i))?)_?\(?(?:{AGES})\)?(?![\w])")
_SAID_RATE = re.compile(rf"(?i)(?<![\w])(?:{_RATE_WORDS})(?![\w])")
_HINT = re.compile(
    r"(?i)weight|radient|gewicht|peso|poids|ableitung|eriva[dt]|dérivée|lernrate|apren|apprent|leersn|öğren|обуч|学"
)
_GRADIENT_HINT = re.compile(r"(?i)grad|derivative|ableitung")
_OTHER_NAMES = Named(
    r"(?:(?<![A-Za-z])(?i:grad(?:ient)?s?)\s*(?:_|\(|\()\s*['\"]?|(?<![A-Za-z])E_|∂_\(?|(?<![/(])(?<!/ )∂\s*\(?(?=[wW]_?@weights@\)?\s+E\b)|(?<![A-Za-z/])d_|(?<![A-Za-z])E\s*'\s*\("
    r"|^[\s>#*_`\-+\d.)]*[∂d]?\s?(?:E(?:_?(?:[Tt]ot(?:al)?|[Tt]))?|[Ee]rror|[Ll]oss)\s+"
    r"(?:wrt|w\.?\s?r\.?\s?t\.?|with\s+respect\s+to|nach)\s+(?:the\s+)?(?:weight\s+)?)"
    r"([wW]_?@weights@)(?!\w)['\"]?\)?(?:\s*E\w*)?(?=\s*[=:])"
)
"""`grad_w5`, `grads['w5']`, `d_w5`, `E'(w5)`, `E_w5`, `E wrt w5` and `∇_w5 E` on the left."""
_OF_A_CELL = Named(r"^\W*[wW]_?\(?(@weights@)\)?\s*:\s+=(?!=)(?!.*(?:η|-=|learning|[wW]_?\1(?!\d)))")
"""`w5: =(…)`, as a cell's formula is quoted: a label and no assignment."""
_OPERATOR = Named(r"(?<![\w/])[∂d]\s*/\s*[∂d]\s*\(?(w_?@weights@)\)?\s*\(\s*(E\w*)\s*\)(?=\s*[=:])")
"""`d/dw5 (E)`."""
_GRADIENT_AFTER = Named(r"(?<![A-Za-z])([wW]_?@weights@)(?:_|\.)(?:grad(?:ient)?|derivative)(?![\w.])")
"""`w5.grad`, `w5_gradient`."""
_STEP = Named(
    rf"(?i)(?<![\w])(w_?@weights@)(\s*=\s*\1\s*-\s*|\s*-=\s*)((?:{_RATE}|\(?\s*(?:α|alpha)\s*\)?)\s*[*x]\s*)"
    r"\(?\s*(?:(?:its|the|own|corresponding|respective)\s+){0,2}(?:grad(?:ient)?s?[_(]\s*\1\)?|gradiente?|derivative"
    r"|ableitung)\s*\)?\s*(?:(?:of|for)\s+\1)?\s*[.,;]?\s*$"
)
"""`w5 = w5 - learning rate * gradient`, `… * grad_w5`: the gradient of the weight that is stepped."""
_OTHER_RATES = re.compile(
    r"(?<=-)(\s*\(?\s*)(?:[γεϵμλρκνβɛ]|(?:gamma|(?:var)?epsilon|eps|mu|rho|lambda|beta|step_?size|step|rate|r)(?![\w(]))"
    r"(?=[\s*(]*(?:∂|d[ELJCwW]|[Gg]rad))"
)
"""`w5 = w5 - γ * ∂E/∂w5`: what multiplies a gradient behind a minus is the rate, whatever its letter."""
_LABEL = Named(r"^[\s>#*_\-+\d.)]*\b[wW]_?(@weights@)(?:[\s*_]*:[\s*_`]*|\s{2,})(?=[(\[{])(?=[^=]*$)")


def in_symbols(line: SourceText) -> SourceText:
    """Update rules and gradients that are said in words, in the symbols of the network; other text stays."""
    if "θ" in line.text or "heta" in line.text or "∂" in line.text:
        line = line.sub(_GENERAL, _ALL_WEIGHTS)
    if ": =" in line.text:
        line = line.sub(_OF_A_CELL(), r"∂E/∂w\1 = ")
    if "_" in line.text or "rad" in line.text or "'" in line.text or "w" in line.text.lower():
        line = line.sub(_AGED(), r"\1").sub(_OTHER_NAMES(), r"∂E/∂\1").sub(_GRADIENT_AFTER(), r"∂E/∂\1")
    if "(" in line.text and "-" in line.text:
        line = line.sub(_INDEXED, _ALL_WEIGHTS)
    if "(E" in line.text:
        line = line.sub(_OPERATOR(), r"∂\2/∂\1")
    if "-" in line.text:
        line = line.sub(_OTHER_RATES, r"\1η")
    if "w" in line.text or "W" in line.text:
        line = line.sub(_AGED_AFTER(), r"\1")
    if "-" in line.text and _GRADIENT_HINT.search(line.text):
        line = line.sub(_STEP(), r"\1\2\3∂E/∂\1")
    if not _HINT.search(line.text):
        return line
    if "ubtract" in line.text:
        line = line.sub(_SAID_RULE, _ALL_WEIGHTS)
    if "minus" in line.text:
        line = line.sub(_SAID_MINUS, _ALL_WEIGHTS)
    line = line.sub(_NAMED(), r"∂E/∂\1").sub(_RULE, r"w_new\2w_old\4 η * ∂E/∂w_old ")
    return line.sub(_GRADIENT_OF(), lambda m: f" ∂{m.group(1) or 'E'}/∂{m.group(2)} ").sub(_SAID_RATE, " η ")


def without_remarks(part: SourceText) -> SourceText:
    """A part of a line without what is said behind its formula."""
    part = part.rewritten(_REMARKS)
    if _OF_AN_INDEX.search(part.text):
        part = part.sub(_FOR_AN_INDEX, "")
    return part.rewritten(_REMARKS[:4])  # what stands before a remark may end in decoration again


def bare_left_sides(line: SourceText) -> SourceText:
    """A line without what stands between a left side and its `=`: a star, or words in brackets."""
    if "*" in _before_equals(line.text):
        line = line.sub(_STARRED, "")
    return line.sub(_SAID_OF_IT, " ") if ")" in _before_equals(line.text) else line


def _before_equals(text: str) -> set[str]:
    """The last character before each `=` that is no blank."""
    return {left.rstrip()[-1:] for left in text.split("=")[:-1]}


def labelled(line: SourceText) -> SourceText | None:
    """`w6: (a_o1-t1)*…` as `∂E/∂w6 = (a_o1-t1)*…`; None where no such label begins the line."""
    if _LABEL().match(line.text) is None:
        return None
    return line.sub(_LABEL(), r"∂E/∂w\1 = ")


_OWN_NAME = re.compile(r"\s*[A-Za-z_]\w{0,23}\s*")


def called(name: str, stated: Expr | None) -> bool:
    """Whether a side is a name of the document's own before an equation of the network's:
    `g1 = ∂E/∂w1 = …`.
    """
    return _OWN_NAME.fullmatch(name) is not None and stated is not None and stated.head in ("sym", "deriv")

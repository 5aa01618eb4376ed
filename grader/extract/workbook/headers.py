"""Header texts to the canonical names of the 31 quantities.

Spellings of 89 real workbooks: `∂E/∂w1`, `E∂w1`, `dE/dw1`, `Etotaldw1`, `∂E_total/∂W5`, `∂E∂W1`, the partial
sign as any of ∂ 𝜕 𝟃 δ ð Ә ꝺ, `out_h1`, `act_o1`, `a_01`, `out_h1 = σ(h1)`, `h1 = w1*i1 + w2*i2`.
"""

import re
import unicodedata

INPUTS = ("t1", "t2", "i1", "i2")
WEIGHTS = tuple(f"w{k}" for k in range(1, 9))
FORWARD = ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total")
GRADIENTS = tuple(f"dw{k}" for k in range(1, 9))
QUANTITIES = (*INPUTS, *WEIGHTS, *FORWARD, *GRADIENTS)

_PARTIAL = str.maketrans(dict.fromkeys("δΔəәƏӘꝺÐð∇∆", "∂"))
_DROP = re.compile(r"[\s_{}$\\()\[\]\-.*'`,:]+")
_GRADIENT = re.compile(
    r"(?:∂|d|grad|gradient)?e?(?:total|tot|t|rror|loss)?(?:/|÷|by|wrt)?(?:∂|d|grad)?w([1-8])"
)
_ACTIVATION = re.compile(
    r"(?:a|out|output|act|activation|aout|outa|σ|sig|sigmoid)([hoz0])([12])|([ho])([12])out"
)
_SUM = re.compile(r"(?:net|in|z|sum)?([ho])([12])")
_ERROR = re.compile(r"(?:e|error|err|loss)o?([12])")
_TOTAL = re.compile(r"(?:e|error|err|loss|cost)(?:t|tot|total|error|loss)?|total(?:e|error|loss)")


def canonical(text: str) -> str:
    """Return the quantity that a header names, or an empty string."""
    if not text or len(text) > 200:
        return ""
    head = unicodedata.normalize("NFKC", text).partition("=")[0].translate(_PARTIAL).lower()
    head = head.replace("partial", "∂").replace("eta", "η")
    bare = _DROP.sub("", head)
    if re.fullmatch(r"w(?:eight)?([1-8])", bare):
        return "w" + bare[-1]
    if match := re.fullmatch(r"(?:t|target|y)([12])", bare):
        return "t" + match[1]
    if match := re.fullmatch(r"(?:i|input|x|in)([12])", bare):
        return "i" + match[1]
    if match := _GRADIENT.fullmatch(bare):
        return "dw" + match[1]
    if match := _ERROR.fullmatch(bare):
        return "E" + match[1]
    if _TOTAL.fullmatch(bare):
        return "E_total"
    if match := _ACTIVATION.fullmatch(bare):
        layer = {"0": "o", "z": "o"}.get(match[1] or match[3], match[1] or match[3])
        return f"a_{layer}{match[2] or match[4]}"
    if match := _SUM.fullmatch(bare):
        return match[1] + match[2]
    return ""

"""How much of a network's answers another network changes: what makes the effect of a layer.

Answers count as they tell a digit: what moves all ten numbers of an image together, or scales them, tells no
digit otherwise, whatever it does to their sizes. So answers are compared less their mean (of probabilities,
that of their logarithms), and those of one image that only grew or shrank are `ALIKE`.
"""

from torch import Tensor

from grader.core.facts.network import Effect

CLEAR = 1e-3
"""Share of what another image changes. Honest layers of the networks that were measured change 0.05 at least.
"""
ROUNDING = 1e-12
"""Share of the answers. All is computed in float64, which rounds at 1e-16: the images themselves move the
answers of twelve layers of sigmoids by 1e-7, which float32 would not tell from nothing.
"""
DEAF = 1e-6
"""Share of the answers that another image must change, or a scene says nothing."""
SILENT = 1e-7
"""Share of what another image changes, below which float32, in which a notebook trains, shows nothing."""
PARALLEL = 1e-6
"""What a scale of each image may leave of a difference, as a share of it."""

ORDER = (Effect.NONE, Effect.FAINT, Effect.ALIKE, Effect.CLEAR)


def deaf(answers: Tensor) -> bool:
    """Whether another image changes nothing, or the answers are no numbers any more."""
    if _likely(answers):
        answers = _logarithm(answers)
    return not _spread(answers) > DEAF * float(answers.abs().max())


def compared(whole: Tensor, without: Tensor) -> Effect:
    """What the answers (N, classes) without a layer make of those with it."""
    if _likely(whole):
        whole, without = _logarithm(whole), _logarithm(without)
    nothing = ROUNDING * max(_spread(whole), float(whole.abs().max()))
    if _difference(whole, without) <= nothing:
        return Effect.NONE
    whole, without = _centred(whole), _centred(without)
    difference, spread = _difference(whole, without), _spread(whole)
    if difference <= nothing:
        return Effect.ALIKE
    if difference <= CLEAR * spread:
        return Effect.FAINT
    return Effect.ALIKE if _parallel(whole, without) else Effect.CLEAR


def silent(whole: Tensor, without: Tensor) -> bool:
    """Whether nothing of a difference would be seen in a training."""
    if _likely(whole):
        whole, without = _logarithm(whole), _logarithm(without)
    least = max(ROUNDING * float(whole.abs().max()), SILENT * _spread(whole))
    return _difference(_centred(whole), _centred(without)) <= least


def _centred(answers: Tensor) -> Tensor:
    return answers - answers.mean(-1, keepdim=True) if answers.shape[-1] > 1 else answers


def _difference(whole: Tensor, without: Tensor) -> float:
    return float((whole - without).abs().nan_to_num(0.0).max())


def _parallel(whole: Tensor, without: Tensor) -> bool:
    """Whether the answers of each image are scaled by one number above 0."""
    scale = (whole * without).sum(-1, keepdim=True) / (whole * whole).sum(-1, keepdim=True).clamp(min=1e-300)
    rest = _difference(without, scale * whole)
    return bool((scale > 0).all()) and rest <= PARALLEL * _difference(whole, without)


def _spread(answers: Tensor) -> float:
    """What another image changes."""
    return float((answers.amax(0) - answers.amin(0)).max())


def _likely(answers: Tensor) -> bool:
    """Whether the answers are probabilities, which hide in 1 and 0 what large pixels make of the logits."""
    return bool((answers >= 0).all()) and bool(((answers.sum(-1) - 1).abs() < 1e-9).all())


def _logarithm(answers: Tensor) -> Tensor:
    return answers.clamp(min=1e-300).log()

"""The learning rate in a formula that holds it as a number, or leaves it out."""

from grader.backprop.tokens import Token
from grader.execute.replay.formula.evaluator import Form
from grader.execute.replay.formula.small_edits import folded
from grader.execute.replay.table.layout import Symbol


def with_typed_eta(symbol: Symbol, value: float) -> Symbol:
    """Replace a number that is typed into an update formula, or into a helper cell behind it, and is the
    learning rate by the symbol for it; 1 is one as a factor alone.
    """
    form, symbols, key = symbol[1], symbol[2], symbol[3]
    if not isinstance(form, Form) or not isinstance(symbols, tuple):
        return symbol
    inner = tuple(with_typed_eta(one, value) if one[0] == "formula" else one for one in symbols)
    slot, rate = len(symbols), Token("number", value)
    plain = folded(form.tokens)
    tokens = tuple(
        Token("ref", slot) if token == rate and (value != 1.0 or _is_factor(plain, at)) else token
        for at, token in enumerate(plain)
    )
    if tokens == plain:
        return symbol if inner == symbols else ("formula", form, inner, key)
    return ("formula", Form(tokens, form.slots, form.skeleton + " typed"), (*inner, ("eta",)), key)


def with_unwritten_eta(quantity: str, symbol: Symbol) -> Symbol:
    """An update with the learning rate as the factor of its step: `w + (update - w)·η`, the same at 1."""
    form, symbols = symbol[1], symbol[2]
    if not isinstance(form, Form) or not isinstance(symbols, tuple):
        return symbol
    before, rate = Token("ref", len(symbols)), Token("ref", len(symbols) + 1)
    opened, closed = Token("open", "("), Token("close", ")")
    plus, minus, times = (Token("op", sign) for sign in "+-*")
    step = (opened, opened, *form.tokens, closed, minus, before, closed)
    known = (*symbols, ("q", quantity, "prev"), ("eta",))
    unwritten = Form((before, plus, *step, times, rate), form.slots, form.skeleton + " unwritten")
    return ("formula", unwritten, known, symbol[3])


def _is_factor(tokens: tuple[Token, ...], at: int) -> bool:
    return Token("op", "*") in (tokens[at + 1 : at + 2] + tokens[max(at - 1, 0) : at])

"""Spellings of the columns' headers, as met in real sheets, and orders of the columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .formulas import GRADIENTS, WEIGHTS


class Spelling(NamedTuple):
    """How one author writes; `gradient` and `output` get a digit."""

    gradient: str = "∂E/∂w{}"
    total: str = "E_total"
    hidden_out: str = "a_h{}"
    final_out: str = "a_o{}"
    change: Callable[[str], str] = str
    by_source: bool = False  # w1 and w2 leave i1 instead of leading to h1: 2 and 3, 6 and 7 change places


def with_formulas(text: str) -> str:
    formulas = {
        "h1": "h1 = w1*i1 + w2*i2",
        "h2": "h2 = w3*i1 + w4*i2",
        "o1": "o1 = w5*out_h1 + w6*out_h2",
        "o2": "o2 = w7*out_h1 + w8*out_h2",
        "out_h1": "out_h1 = σ(h1)",
        "out_h2": "out_h2 = σ(h2)",
        "out_o1": "out_o1 = σ(o1)",
        "out_o2": "out_o2 = σ(o2)",
        "E1": "E1 = ½(t1 - out_o1)²",
        "E2": "E2 = ½(t2 - out_o2)²",
    }
    return formulas.get(text, text)


def capitals(text: str) -> str:
    return text.upper() if len(text) == 2 else text


SPELLINGS: dict[str, Spelling] = {
    "class": Spelling(total="E_tot"),
    "total": Spelling(gradient="∂E_total/∂w{}"),
    "mathematical-italic": Spelling(gradient="𝜕E/𝜕w{}", total="E_Total"),
    "mathematical-bold": Spelling(gradient="𝟃E/𝟃w{}"),
    "delta": Spelling(gradient="δE_tot/δw{}", total="E_tot", hidden_out="out_h{}", final_out="out_o{}"),
    "glued": Spelling(gradient="E∂w{}", total="Etotal"),
    "glued-capital": Spelling(gradient="∂E∂W{}", total="E-total"),
    "glued-total": Spelling(gradient="Etotaldw{}", total="Etotal", hidden_out="act_h{}", final_out="act_o{}"),
    "plain": Spelling(gradient="dE/dw{}", total="e_total"),
    "spaced": Spelling(gradient="dE_total / dw{}", hidden_out="out_h{}", final_out="out_o{}"),
    "short": Spelling(gradient="dw{}", total="ETotal"),
    "zero-for-o": Spelling(final_out="a_0{}"),
    "cyrillic-schwa": Spelling(gradient="ӘE/Әw{}"),
    "insular-d": Spelling(gradient="ꝺE/ꝺw{}", total="E_TOTAL"),
    "capitals": Spelling(gradient="∂E_t/∂W{}", total="E_T", final_out="a_O{}", change=capitals),
    "formulas": Spelling(
        gradient="∂E_T/∂w{}",
        total="E = E1+E2",
        hidden_out="out_h{}",
        final_out="out_o{}",
        change=with_formulas,
    ),
}
ETA_LABELS = ("", "η =", "η=", "LR", "Learning Rate", "learning_rate", "ƞ =", "n=", "h", "α", "ⴄ=", "eta")

ORDERS: dict[str, tuple[str, ...]] = {
    "class": (
        *("t1", "t2", "i1", "i2", "w1", "w2", "w3", "w4", "h1", "a_h1", "h2", "a_h2"),
        *("w5", "w6", "w7", "w8", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_tot", *GRADIENTS),
    ),
    "inputs-first": (
        *("i1", "i2", "t1", "t2", "w1", "w2", "w3", "w4", "h1", "h2", "a_h1", "a_h2"),
        *("w5", "w6", "w7", "w8", "o1", "o2", "a_o1", "a_o2", "E1", "E2", "E_tot", *GRADIENTS),
    ),
    "weights-together": (
        *("t1", "t2", "i1", "i2", *WEIGHTS, "h1", "h2", "a_h1", "a_h2", "o1", "o2", "a_o1", "a_o2"),
        *("E1", "E2", "E_tot", *GRADIENTS),
    ),
    "epoch-first": (
        *("epoch", "i1", "i2", "t1", "t2", "w1", "w2", "w3", "w4", "h1", "a_h1", "h2", "a_h2"),
        *("w5", "w6", "w7", "w8", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_tot", *GRADIENTS),
    ),
}


def header(role: str, spelling: Spelling) -> str:
    """The text above a column; `k1`, `k2` are output deltas in helper columns."""
    if spelling.by_source and role[:-1] in ("w", "d"):
        role = role.translate(str.maketrans("2367", "3276"))
    fixed = {"E_tot": spelling.total, "epoch": "Epoch", "eta": "η", "k1": "delta_o1", "k2": "delta_o2"}
    if role in fixed:
        return fixed[role] if role != "E_tot" else spelling.change(fixed[role])
    if role in GRADIENTS:
        return spelling.gradient.format(role[1])
    if role.startswith("a_h"):
        return spelling.change(spelling.hidden_out.format(role[-1]))
    if role.startswith("a_o"):
        return spelling.change(spelling.final_out.format(role[-1]))
    return spelling.change(role)

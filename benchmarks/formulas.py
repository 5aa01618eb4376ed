"""grader's formula reader beside SymPy's LaTeX parser and latex2sympy2_extended, on the same lines.

    python benchmarks/formulas.py

Prints, for each reader, the share of lines that it reads rightly (judged by value at random points of the network), and
the time for a line. The other two are measured only where they are installed; they get each line as LaTeX with the
spellings of this assignment, and their result is compared by `simplify` under a time limit. Also prints the time that
grader takes for a whole README with a hundred lines.
"""

import importlib.util
import signal
import statistics
import sys
import time
import warnings
from types import FrameType

from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.network import points
from grader.extract.formulas.statements import statements
from grader.extract.markdown import markdown_lines

# LaTeX as students write it, and the same side in canonical notation.
LINES = (
    (r"h_1 = w_1 * i_1 + w_2 * i_2", "w1 * i1 + w2 * i2"),
    (r"a_{h_1} = \sigma(h_1) = \frac{1}{1+e^{-h_1}}", "1/(1 + exp(-h1))"),
    (r"o_1 = w_5 \cdot a_{h_1} + w_6 \cdot a_{h_2}", "w5 * a_h1 + w6 * a_h2"),
    (r"E_1 = \frac{1}{2}(t_1 - a_{o_1})^2", "1/2 * (t1 - a_o1)^2"),
    (r"E_{total} = E_1 + E_2", "E1 + E2"),
    (r"\frac{\partial E_{total}}{\partial w_5} = (a_{o1}-t_1)\cdot a_{o1}\cdot(1-a_{o1})\cdot a_{h1}", "(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    (
        r"\frac{\partial E}{\partial w_1} = \left[(a_{o1}-t_1) a_{o1}(1-a_{o1}) w_5 + (a_{o2}-t_2) a_{o2}(1-a_{o2}) w_7\right] a_{h1}(1-a_{h1}) i_1",
        "((a_o1 - t1) * a_o1 * (1 - a_o1) * w5 + (a_o2 - t2) * a_o2 * (1 - a_o2) * w7) * a_h1 * (1 - a_h1) * i1",
    ),
    (
        r"\frac{\partial E}{\partial w_7} = \frac{\partial E_2}{\partial a_{o2}} \frac{\partial a_{o2}}{\partial o_2} \frac{\partial o_2}{\partial w_7}",
        "∂E2/∂a_o2 * ∂a_o2/∂o2 * ∂o2/∂w7",
    ),
    (r"\frac{dE}{dw_5} = \frac{dE_1}{dw_5}", "∂E1/∂w5"),
    (r"w_5 = w_5 - \eta \frac{\partial E}{\partial w_5}", "w5 - η * ∂E/∂w5"),
)  # fmt: skip
SECONDS = 10


class TooSlow(Exception):
    """A reader ran past its time."""


def _stop(signum: int, frame: FrameType | None) -> None:
    raise TooSlow


def value(canonical: str) -> float:
    """The value of a canonical side at the first point."""
    tree = statements(f"E = {canonical}")[0].sides[-1].tree
    assert tree is not None
    return points()[0].value(tree)


def ours(latex: str, want: float) -> bool:
    """Whether grader reads the last side rightly."""
    found = statements(f"$${latex}$$")
    tree = found[0].sides[-1].tree if found else None
    return tree is not None and abs(points()[0].value(tree) - want) <= 1e-9 * abs(want)


def theirs(expression: object, want: float) -> bool:
    """Whether a SymPy equation has our value on its right, once its symbols get the network's values."""
    import sympy

    if isinstance(expression, (list, tuple)):
        expression = expression[-1]
    right = getattr(expression, "rhs", expression)
    known = points()[0].values
    names = {s: known[_canonical(str(s))] for s in right.free_symbols if _canonical(str(s)) in known}
    got = sympy.simplify(right.subs(names))
    return bool(got.is_number) and abs(float(got) - want) <= 1e-9 * abs(want)


def _canonical(name: str) -> str:
    plain = name.replace("{", "").replace("}", "").replace("_", "").replace("total", "")
    return {"ah1": "a_h1", "ah2": "a_h2", "ao1": "a_o1", "ao2": "a_o2"}.get(plain, plain)


def measure(label: str, read: object) -> None:
    """Print one reader's share and time."""
    right = slow = refused = 0
    took: list[float] = []
    for latex, canonical in LINES:
        want = value(canonical)
        signal.signal(signal.SIGALRM, _stop)
        signal.alarm(SECONDS)
        start = time.process_time()
        try:
            right += bool(read(latex, want))  # type: ignore[operator]
        except TooSlow:
            slow += 1
        except (
            Exception
        ):  # other parsers raise errors of many kinds on real lines: that is part of what is measured
            refused += 1
        finally:
            signal.alarm(0)
        took.append(1000 * (time.process_time() - start))
    print(
        f"{label:<32}{right:3} of {len(LINES)} right   median {statistics.median(took):9.2f} ms   over {SECONDS} s: {slow}   refused: {refused}"
    )


def main() -> int:
    """Measure every reader that is installed."""
    warnings.filterwarnings("ignore")
    for latex, canonical in LINES:  # warm caches, so that the time of a line is not that of the first one
        ours(latex, value(canonical))
    measure("grader", ours)
    if importlib.util.find_spec("sympy") and importlib.util.find_spec("antlr4"):
        from sympy.parsing.latex import parse_latex

        measure("sympy.parsing.latex + simplify", lambda text, want: theirs(parse_latex(text), want))
    else:
        print("sympy with antlr4 is not installed")
    if importlib.util.find_spec("latex2sympy2_extended"):
        from latex2sympy2_extended import latex2sympy

        measure("latex2sympy2_extended + simplify", lambda text, want: theirs(latex2sympy(text), want))
    else:
        print("latex2sympy2_extended is not installed")
    text = "\n".join(f"$${latex}$$" for latex, _ in LINES * 10)
    took = []
    for _ in range(5):
        start = time.process_time()
        read_document(markdown_lines(text, "README.md"), "README.md")
        took.append(1000 * (time.process_time() - start))
    print(f"a README of {10 * len(LINES)} formulas: median {statistics.median(took):.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fragments of derivations in the spellings, layouts and languages that people use: what is right in them is read as right.

Each fragment is one thing that was misread once, or that looks as if it could be. A second list holds what cannot be read
or is no formula: it is accused of nothing.
"""

import pytest

from grader.core.evidence.formulas import DocumentFormulas, FormulaVerdict
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document

FORWARD = "h1 = w1*i1 + w2*i2\nh2 = w3*i1 + w4*i2\no1 = w5*a_h1 + w6*a_h2\no2 = w7*a_h1 + w8*a_h2\n\n"
"""Put before fragments that begin with `@`."""

RIGHT: dict[str, tuple[int, str]] = {
    "py numpy": (
        6,
        (
            "```python\nh1 = w1*i1 + w2*i2\na_h1 = 1/(1+np.exp(-h1))\nE1 = 0.5*np.square(t1 - a_o1)\n"
            "E2 = 0.5*(t2 - a_o2)**2\nE_total = E1 + E2\ndE_dw5 = (a_o1 - t1)*a_o1*(1 - a_o1)*a_h1\n```"
        ),
    ),
    "py pow": (2, "```python\nE1 = 0.5*pow(t1 - a_o1, 2)\nE2 = math.pow(t2 - a_o2, 2)/2\n```"),
    "py aug": (3, "```python\nw5 -= lr * dE_dw5\nw6 -= learning_rate * dE_dw6\nw7 += -lr * dw7\n```"),
    "py dict": (1, "```python\ngrads['w5'] = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n```"),
    "py grad_w5": (
        3,
        (
            "```python\ngrad_w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\ndw6 = (a_o1 - t1) * a_o1 * "
            "(1 - a_o1) * a_h2\nd_w7 = (a_o2 - t2) * a_o2 * (1 - a_o2) * a_h1\n```"
        ),
    ),
    "table on its side": (
        2,
        (
            "| Weight | w5 | w6 |\n|---|---|---|\n| Gradient | (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 | "
            "(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2 |"
        ),
    ),
    "table on its side with derivatives": (
        2,
        (
            "| ∂E/∂w5 | ∂E/∂w7 |\n|---|---|\n| (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 | "
            "`= (a_o2 - t2) * a_o2 * (1 - a_o2) * a_h1` |"
        ),
    ),
    "table of numbers and gradients": (
        1,
        "| k | dE/dw_k |\n|---|---|\n| 5 | (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 |",
    ),
    "summaries": (
        2,
        (
            "<details><summary>∂E/∂w5</summary>\n\n= (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n\n</details>\n"
            "<details>\n<summary>∂E/∂w6</summary>\n\n```\n(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2\n```\n</details>"
        ),
    ),
    "statements cut by breaks in a cell": (
        2,
        (
            "| all |\n|---|\n| ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1<br>∂E/∂w6 = (a_o1 - t1) * a_o1 * "
            "(1 - a_o1) * a_h2 |"
        ),
    ),
    "statements with a blank between them": (
        3,
        "h1 = w1*i1 + w2*i2 h2 = w3*i1 + w4*i2 a_h1 = σ(h1)",
    ),
    "two updates with a blank between them": (2, "w5 = w5 - η * ∂E/∂w5  w6 = w6 - η * ∂E/∂w6"),
    "a dash behind the name": (1, "- ∂E/∂w5 — (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    "words of eight languages": (
        8,
        "\n\n".join(
            f"∂E/∂w5 {word} (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
            for word in (
                "turns out to be",
                "comes out as",
                "is therefore",
                "gives",
                "ergibt sich zu",
                "jest równe",
                "等于",
                "är lika med",
            )
        ),
    ),
    "said with respect to": (
        1,
        "The partial derivative of the total error w.r.t. w5 equals (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1.",
    ),
    "names of gradients": (
        5,
        "```\n"
        + "\n".join(
            f"{name} = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
            for name in ("w5.grad", "w5_gradient", "E'(w5)", "∇_w5 E", "d/dw5(E)")
        )
        + "\n```",
    ),
    "signs of definition": (3, "h1 ≔ w1*i1 + w2*i2\n\nh2 ≜ w3*i1 + w4*i2\n\no1 : = w5*a_h1 + w6*a_h2"),
    "the output as ŷ": (2, "```\nŷ1 = σ(o1)\nE1 = ½(y1 - ŷ1)²\n```"),
    "TeX's hat": (1, "$$E_1 = \\frac{1}{2}(y_1 - \\hat{y}_1)^2$$"),
    "names written apart": (1, "a h1 = 1/(1 + e⁻h1)"),
    "the loss as a sum": (
        3,
        (
            "E = Σ ½ (t_i − a_oi)²\n\nE_total = sum(1/2 * (target - output)^2)\n\n"
            "$E = \\sum_{i=1}^{2} \\frac{1}{2}(t_i - a_{oi})^2$"
        ),
    ),
    "the loss with a norm": (1, "E1 = ½‖t1 - a_o1‖²"),
    "a remark on the left": (1, "E_1 (error of output 1) = ½(t1 - a_o1)²"),
    "a remark behind ←": (1, "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1   ← gradient of a weight"),
    "rates of other letters": (
        3,
        "w5 = w5 - γ * ∂E/∂w5\n\nw6 = w6 - ε*∂E/∂w6\n\n$w_7 = w_7 - \\mu \\frac{\\partial E}{\\partial w_7}$",
    ),
    "general rules": (
        4,
        (
            "For every weight: w_new = w_old - learning rate × gradient\n\nnew weight = old weight - lr * dE/dw\n\n"
            "w_k^(t+1) = w_k^(t) - η·∂E/∂w_k,  k = 1..8\n\n$w_{i}^{+} = w_i - \\eta \\frac{\\partial E}{\\partial w_i}$"
        ),
    ),
    "the star of an update": (1, "```\nw5* = w5 - η*∂E/∂w5\n```"),
    "where a delta is said": (
        2,
        "∂E/∂w5 = δ_o1 · a_h1, where δ_o1 = (a_o1 - t1) * a_o1 * (1 - a_o1)",
    ),
    "py common": (
        2,
        (
            "@```python\ncommon1 = (a_o1 - t1) * a_o1 * (1 - a_o1)\ndE_dw5 = common1 * a_h1\ndE_dw6 = "
            "common1 * a_h2\n```"
        ),
    ),
    "matlab": (1, "```\ndEdw5 = (a_o1 - t1) .* a_o1 .* (1 - a_o1) .* a_h1;\n```"),
    "with values": (1, "h1 = w1*i1 + w2*i2 = 0.15*0.05 + 0.2*0.1 = 0.0275"),
    "with values2": (1, "@a_h1 = σ(h1) = 1/(1+exp(-0.0275)) = 0.5069"),
    "E values": (1, "E1 = ½(t1 - a_o1)² = ½(0.01 - 0.75)² = 0.274811"),
    "german": (
        1,
        (
            "Das Gewicht w5 wird aktualisiert: w5_neu = w5_alt − η · ∂E/∂w5. Die Ableitung von E nach "
            "w5 lautet (a_o1 − t1) · a_o1 · (1 − a_o1) · a_h1."
        ),
    ),
    "spanish": (1, "La derivada de E con respecto a w5 es (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    "french": (1, "La dérivée de E par rapport à w5 est (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    "russian": (1, "производная ∂E/∂w5 равна (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    "chinese colon": (
        2,
        ("∂E/∂w5：(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n\n∂E/∂w6 ＝ (a_o1 - t1)×a_o1×(1 - a_o1)×a_h2"),
    ),
    "delta greek": (
        3,
        ("δ_o1 = ∂E/∂o1 = (a_o1 - t1)·a_o1·(1 - a_o1)\n\n∂E/∂w5 = δ_o1·a_h1\n\n∂E/∂w6 = δ_o1·a_h2"),
    ),
    "delta undef": (2, "@∂E/∂w5 = δ_o1·a_h1\n∂E/∂w6 = δ_o1·a_h2"),
    "delta neg": (2, "δ_o1 = (t1 - a_o1) a_o1 (1 - a_o1)\n\nw5 = w5 + η δ_o1 a_h1"),
    "delta word": (
        4,
        (
            "delta_o1 = (a_o1 - t1) * a_o1 * (1 - a_o1)\ndelta_h1 = (delta_o1*w5 + delta_o2*w7) * a_h1 "
            "* (1 - a_h1)\ndE_dw1 = delta_h1 * i1\ndE_dw5 = delta_o1 * a_h1"
        ),
    ),
    "delta sub": (
        2,
        (
            "$\\delta_{o1} = (a_{o1}-t_1)\\,a_{o1}(1-a_{o1})$ and $\\frac{\\partial E}{\\partial w_5} "
            "= \\delta_{o1} a_{h1}$"
        ),
    ),
    "delta1": (
        2,
        (
            "δ1 = (a_o1 - t1)*a_o1*(1-a_o1)\n\nδ2 = (a_o2 - t2)*a_o2*(1-a_o2)\n\n∂E/∂w5 = δ1*a_h1\n\n"
            "∂E/∂w7 = δ2*a_h1"
        ),
    ),
    "delta superscript": (
        2,
        (
            "$\\delta^{o_1} = (a_{o1}-t_1)a_{o1}(1-a_{o1})$\n\n$\\frac{\\partial E}{\\partial w_5} = "
            "\\delta^{o_1} a_{h1}$"
        ),
    ),
    "delta E": (1, "@δE/δw5 = δE1/δa_o1 * δa_o1/δo1 * δo1/δw5"),
    "pairs": (2, "@out_h1, out_h2 = σ(h1), σ(h2)"),
    "pairs paren": (2, "@(a_h1, a_h2) = (σ(h1), σ(h2))"),
    "resp": (2, "@∂E/∂w5, ∂E/∂w6 = (a_o1 - t1)*a_o1*(1-a_o1)*a_h1, (a_o1 - t1)*a_o1*(1-a_o1)*a_h2"),
    "vector": (2, "@[a_h1, a_h2] = [σ(h1), σ(h2)]"),
    "01": (2, "@∂a_o1/∂01 = a_o1*(1-a_o1)\n\na_01 = σ(01)"),
    "open lines": (
        1,
        (
            "∂E/∂w1 = (\n  (a_o1 - t1) * a_o1 * (1 - a_o1) * w5\n  + (a_o2 - t2) * a_o2 * (1 - a_o2) * "
            "w7\n) * a_h1 * (1 - a_h1) * i1"
        ),
    ),
    "open lines py": (
        1,
        (
            "```python\ndE_dw1 = (\n    (a_o1 - t1) * a_o1 * (1 - a_o1) * w5\n    + (a_o2 - t2) * a_o2 "
            "* (1 - a_o2) * w7\n) * a_h1 * (1 - a_h1) * i1\n```"
        ),
    ),
    "open lines square": (
        1,
        (
            "∂E/∂w1 = [ (a_o1 - t1) * a_o1 * (1 - a_o1) * w5 +\n (a_o2 - t2) * a_o2 * (1 - a_o2) * w7 "
            "]\n * a_h1 * (1 - a_h1) * i1"
        ),
    ),
    "list split": (1, "- ∂E/∂w5 = ∂E/∂a_o1\n  * ∂a_o1/∂o1\n  * ∂o1/∂w5"),
    "list after": (1, "@∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n* a_h1\n* i1"),
    "chain eq lines": (
        2,
        ("∂E/∂w5 = ∂E/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂w5\n        = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    ),
    "chain arrow lines": (
        1,
        "∂E/∂w5 = ∂E/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂w5\n=> (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1",
    ),
    "therefore": (1, "∴ ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
    "emoji": (1, "✅ ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 🎉"),
    "remark dash": (1, "@∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 — by the chain rule"),
    "remark dash in other words": (
        3,
        (
            "@∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 — some books write −δ here\n\n"
            "E1 = ½(t1 - a_o1)² – half of the squared error\n\n"
            "a_h1 = 1/(1 + exp(-h1)) - siehe Vorlesung zwei"
        ),
    ),
    "e to a power of Python": (2, "@a_o1 = 1/(1 + e**(-o1))\n\nE1 = 0.5*(t1 - a_o1)**2"),
    "a star too many": (
        1,
        (
            "@∂E/∂w1 = ((a_o1 - t1) * a_o1 * (1 - a_o1)**w5 + (a_o2 - t2) * a_o2 * (1 - a_o2) * w7)"
            " * a_h1 * (1 - a_h1) * i1"
        ),
    ),
    "remark comma": (1, "@∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1, using the chain rule."),
    "remark arrow left": (1, "@∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 <- final"),
    "remark html": (1, "@a_h1 = σ(h1) <!-- sigmoid -->"),
    "remark bold": (1, "@a_h1 = σ(h1) **(sigmoid)**"),
    "remark brackets": (1, "@a_h1 = σ(h1) [sigmoid of h1]"),
    "remark footnote": (1, "@a_h1 = σ(h1)[^1]"),
    "remark latex text": (1, "@$a_{h1} = \\sigma(h_1) \\quad \\text{(sigmoid)}$"),
    "tag": (1, "@$$a_{h1} = \\sigma(h_1) \\tag{3}$$"),
    "update ages": (1, "@w5⁺ = w5 − η ∂E/∂w5"),
    "update prime": (1, "@w5' = w5 - η * ∂E/∂w5"),
    "update t": (1, "@w5(t+1) = w5(t) - η * ∂E/∂w5"),
    "update arrow": (1, "@w5 ← w5 − η ∂E/∂w5"),
    "update latex": (1, "@$w_5^{new} = w_5^{old} - \\eta \\frac{\\partial E}{\\partial w_5}$"),
    "update i": (1, "@$w_i \\leftarrow w_i - \\eta \\frac{\\partial E}{\\partial w_i}$"),
    "update words": (1, "@new weight = old weight - learning rate * gradient"),
    "update by the word gradient": (
        4,
        (
            "@w5 = w5 - learning_rate * gradient\n\nw6_new = w6 - lr * (gradient of w6)\n\n"
            "w7 -= lr * grad_w7\n\nw8 = w8 - η · its gradient"
        ),
    ),
    "loss of target and output": (
        3,
        ("@E1 = ½ (target1 - output1)²\n\nE2 = 1/2 * (target_2 - output_2)^2\n\nE1 = 0.5*(T1 - out1)**2"),
    ),
    "update theta": (
        4,
        (
            "@θ = θ - η * ∂E/∂θ\n\nθ_new = θ_old - α ∇E(θ)\n\n$\\theta_{j} := \\theta_j - \\alpha \\frac{\\partial J}"
            "{\\partial \\theta_j}$\n\nθ_{t+1} = θ_t − η ∇_θ J(θ_t)"
        ),
    ),
    "update nabla": (1, "@$W_{new}=W_{old}-\\eta\\nabla{E_{total}}$"),
    "update said": (
        2,
        (
            "@Each weight is updated by subtracting the learning rate times its gradient from the old weight.\n\n"
            "The weights are updated: we subtract the product of learning rate and gradient from each of them."
        ),
    ),
    "update of a new weight": (
        1,
        "@New W1 = Old W1 - (learning rate) * (gradient of E with respect to W1)",
    ),
    "update delta w": (1, "@Δw5 = -η * ∂E/∂w5"),
    "foreign mse sum": (2, "E = (t1 - a_o1)² + (t2 - a_o2)²\n\n∂E/∂w5 = 2*(a_o1 - t1)*a_o1*(1-a_o1)*a_h1"),
    "numbering transposed": (4, "h1 = w1*i1 + w3*i2\nh2 = w2*i1 + w4*i2\n∂h1/∂w3 = i2\n∂h2/∂w2 = i1"),
    "html br table": (
        1,
        ("<table><tr><td>∂E/∂w5</td><td>=</td><td>(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1</td></tr></table>"),
    ),
    "image alt": (
        1,
        "![\\frac{\\partial E}{\\partial w_5} = (a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1}](img/w5.png)",
    ),
    "katex inline": (
        1,
        "\\\\( \\frac{\\partial E}{\\partial w_5} = (a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1} \\\\)",
    ),
    "subscript names": (1, "∂E/∂w₅ = (aₒ₁ − t₁)·aₒ₁·(1 − aₒ₁)·aₕ₁"),
    "math italic": (1, "𝜕𝐸/𝜕𝑤5 = (𝑎_𝑜1 − 𝑡1) ∗ 𝑎_𝑜1 ∗ (1 − 𝑎_𝑜1) ∗ 𝑎_ℎ1"),
    "dot product": (1, "∂E/∂w5 = (a_o1 - t1) . a_o1 . (1 - a_o1) . a_h1"),
    "juxtapose2": (1, "∂E/∂w5 = (a_o1-t1)a_o1(1-a_o1)a_h1"),
    "prime": (2, "σ'(o1) = σ(o1)(1-σ(o1))\n\n∂E/∂w5 = (a_o1 - t1) σ'(o1) a_h1"),
    "f prime": (1, "∂a_o1/∂o1 = σ'(o1) = a_o1(1-a_o1)"),
    "lhs E_w5": (1, "E_w5 = (a_o1 - t1) a_o1 (1 - a_o1) a_h1"),
    "grad(w5)": (
        2,
        ("grad(w5) = (a_o1 - t1) a_o1 (1 - a_o1) a_h1\n\nGradient(w6) = (a_o1 - t1) a_o1 (1 - a_o1) a_h2"),
    ),
    "index set": (2, "∂E/∂w_{5,6} = (a_o1 - t1) a_o1 (1 - a_o1) a_{h1,h2}"),
    "table weight": (
        2,
        (
            "| weight | gradient |\n|---|---|\n| w5 | (a_o1 - t1)*a_o1*(1 - a_o1)*a_h1 |\n| w6 | (a_o1 "
            "- t1)*a_o1*(1 - a_o1)*a_h2 |"
        ),
    ),
    "table two formulas": (
        2,
        (
            "| weight | chain rule | result |\n|---|---|---|\n| ∂E/∂w5 | ∂E/∂a_o1 * ∂a_o1/∂o1 * "
            "∂o1/∂w5 | (a_o1 - t1)*a_o1*(1 - a_o1)*a_h1 |"
        ),
    ),
    "heading words": (1, "#### Derivative of E with respect to w5\n\n(a_o1 - t1)*a_o1*(1 - a_o1)*a_h1"),
    "heading label": (1, "#### w5\n\n(a_o1 - t1)*a_o1*(1 - a_o1)*a_h1"),
    "bullets under": (
        1,
        "**∂E/∂w5**\n\n- ∂E/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂w5\n- (a_o1 - t1)*a_o1*(1 - a_o1)*a_h1",
    ),
    "steps list": (
        4,
        (
            "To get ∂E/∂w5 we need:\n\n1. ∂E/∂a_o1 = a_o1 - t1\n2. ∂a_o1/∂o1 = a_o1*(1-a_o1)\n3. "
            "∂o1/∂w5 = a_h1\n\nMultiply: ∂E/∂w5 = (a_o1 - t1)*a_o1*(1-a_o1)*a_h1"
        ),
    ),
    "colon prose": (1, "We have two terms in ∂E/∂w5: ∂E1/∂w5 + ∂E2/∂w5, of which the second is zero."),
    "colon h": (3, "- h1: w1*i1 + w2*i2\n- a_h1: σ(h1)\n- E1: ½(t1 - a_o1)²"),
    "similarly": (
        2,
        ("∂E/∂w5 = (a_o1 - t1)*a_o1*(1-a_o1)*a_h1, similarly ∂E/∂w6 = (a_o1 - t1)*a_o1*(1-a_o1)*a_h2"),
    ),
    "as E2 const": (1, "∂E/∂w5 = ∂(E1 + E2)/∂w5 = ∂E1/∂w5 (E2 does not depend on w5)"),
    "boxed": (1, "$$\\boxed{\\frac{\\partial E}{\\partial w_5} = (a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1}}$$"),
    "underbrace": (
        1,
        (
            "$$\\frac{\\partial E}{\\partial w_5} = \\underbrace{(a_{o1}-t_1)}_{\\text{error}} "
            "\\underbrace{a_{o1}(1-a_{o1})}_{\\sigma'} \\underbrace{a_{h1}}_{input}$$"
        ),
    ),
    "color": (
        1,
        (
            "$$\\frac{\\partial E}{\\partial w_5} = {\\color{red}(a_{o1}-t_1)} "
            "{\\color{blue}a_{o1}(1-a_{o1})} a_{h1}$$"
        ),
    ),
    "mathrm": (
        1,
        (
            "$$\\frac{\\partial E_{\\mathrm{total}}}{\\partial w_5} = "
            "(\\mathrm{out}_{o1}-\\mathrm{target}_{o1})\\,\\mathrm{out}_{o1}(1-\\mathrm{out}_{o1})\\,\\mathrm{out}_{h1}$$"
        ),
    ),
    "spaces tex": (
        1,
        (
            "$ \\frac { \\partial E } { \\partial w _ 5 } = ( a _ { o 1 } - t _ 1 ) a _ { o 1 } ( 1 - "
            "a _ { o 1 } ) a _ { h 1 } $"
        ),
    ),
    "over": (1, "${\\partial E \\over \\partial w_5} = (a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1}$"),
    "latex eqnarray": (
        2,
        (
            "\\begin{eqnarray}\n\\frac{\\partial E}{\\partial w_5} &=& "
            "(a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1} \\\\\n\\frac{\\partial E}{\\partial w_6} &=& "
            "(a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h2}\n\\end{eqnarray}"
        ),
    ),
    "latex multiline": (
        1,
        (
            "$$\n\\frac{\\partial E}{\\partial w_1} = \\Big[(a_{o1}-t_1)a_{o1}(1-a_{o1})w_5 \\\\\n+ "
            "(a_{o2}-t_2)a_{o2}(1-a_{o2})w_7\\Big] a_{h1}(1-a_{h1})i_1\n$$"
        ),
    ),
    "latex aligned continued": (
        1,
        (
            "$$\\begin{aligned}\n\\frac{\\partial E}{\\partial w_1} &= "
            "\\big((a_{o1}-t_1)a_{o1}(1-a_{o1})w_5 \\\\\n&\\quad + "
            "(a_{o2}-t_2)a_{o2}(1-a_{o2})w_7\\big) \\\\\n&\\quad \\times a_{h1}(1-a_{h1})i_1\n"
            "\\end{aligned}$$"
        ),
    ),
    "codecogs inline": (
        1,
        (
            "<img "
            'src="https://latex.codecogs.com/gif.latex?%5Cfrac%7B%5Cpartial%20E%7D%7B%5Cpartial%20w_5%7D%3D%28a_%7Bo1%7D-t_1%29a_%7Bo1%7D%281-a_%7Bo1%7D%29a_%7Bh1%7D"/>'
        ),
    ),
    "math.vercel": (
        1,
        (
            "<img "
            'src="https://math.vercel.app/?from=%5Cfrac%7B%5Cpartial%20E%7D%7B%5Cpartial%20w_5%7D%3D(a_%7Bo1%7D-t_1)a_%7Bo1%7D(1-a_%7Bo1%7D)a_%7Bh1%7D"/>'
        ),
    ),
    "i.upmath": (
        1,
        (
            "![](https://i.upmath.me/svg/\\frac{\\partial E}{\\partial "
            "w_5}=(a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1})"
        ),
    ),
    "sup sub html": (
        1,
        (
            "∂E/∂w<sub>5</sub> = (a<sub>o1</sub> &minus; t<sub>1</sub>) &times; a<sub>o1</sub> &times; "
            "(1 &minus; a<sub>o1</sub>) &times; a<sub>h1</sub>"
        ),
    ),
    "entities": (1, "&part;E/&part;w5 = (a_o1 - t1) &middot; a_o1 &middot; (1 - a_o1) &middot; a_h1"),
    "html li": (
        2,
        (
            "<ul><li>∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1</li><li>∂E/∂w6 = (a_o1 - t1) * "
            "a_o1 * (1 - a_o1) * a_h2</li></ul>"
        ),
    ),
    "html last row": (1, "<table>\n<tr><td>∂E/∂w5</td><td>(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n</table>"),
    "rst math": (
        1,
        (".. math::\n\n   \\frac{\\partial E}{\\partial w_5} = (a_{o1}-t_1)a_{o1}(1-a_{o1})a_{h1}"),
    ),
}
"""By what is shown: how many right statements the fragment holds, and the fragment."""

NOT_ACCUSED: dict[str, str] = {
    "let": (
        "@Let D1 = (a_o1 - t1) * a_o1 * (1 - a_o1) and D2 = (a_o2 - t2) * a_o2 * (1 - a_o2).\n\n"
        "∂E/∂w5 = D1 * a_h1"
    ),
    "where": "@∂E/∂w5 = A * a_h1, where A = (a_o1 - t1) * a_o1 * (1 - a_o1)",
    "pairs and": "@a_h1 and a_h2 are σ(h1) and σ(h2) respectively",
    "update latex2": "@$w_5^{(t+1)} = w_5^{(t)} - \\eta \\nabla_{w_5} E$",
    "foreign3": "@h1 = w1*i1 + w2*i2 + w3*i3\n",
    "foreign hidden": (
        "h1 = w1*i1 + w2*i2\nh2 = w3*i1 + w4*i2\nh3 = w5*i1 + w6*i2\n∂E/∂w5 = (a_o1 - "
        "t1)*a_o1*(1-a_o1)*w7*a_h3*(1-a_h3)*i1\n∂E/∂w1 = (a_o1 - "
        "t1)*a_o1*(1-a_o1)*w7*a_h1*(1-a_h1)*i1"
    ),
    "foreign relu": (
        "h1 = w1*i1 + w2*i2\na_h1 = max(0, h1)\n∂a_h1/∂h1 = 1 if h1>0 else 0\n∂E/∂w5 = (a_o1 - t1) * a_h1"
    ),
    "foreign tanh tex": (
        "$h_1 = w_1 i_1 + w_2 i_2$\n\n$a_{h1} = \\tanh(h_1)$\n\n$\\frac{\\partial "
        "a_{h1}}{\\partial h_1} = 1 - a_{h1}^2$"
    ),
    "foreign bias tex": (
        "$net_{h1} = w_1 i_1 + w_2 i_2 + b_1 \\cdot 1$\n\n$\\frac{\\partial E}{\\partial w_5} = "
        "(out_{o1}-t_1) out_{o1}(1-out_{o1}) out_{h2}$"
    ),
    "foreign ce": (
        "E = -(t1*ln(a_o1) + (1-t1)*ln(1-a_o1))\n\n∂E/∂o1 = a_o1 - t1\n\n∂E/∂w5 = (a_o1 - t1)*a_h1"
    ),
    "foreign one output": (
        "h1 = w1*i1 + w2*i2\nh2 = w3*i1 + w4*i2\no = w5*a_h1 + w6*a_h2\na_o = σ(o)\nE = ½(t - "
        "a_o)²\n∂E/∂w5 = (a_o - t)*a_o*(1-a_o)*a_h1\n∂E/∂w1 = (a_o - "
        "t)*a_o*(1-a_o)*w5*a_h1*(1-a_h1)*i1"
    ),
    "foreign linear out": "a_h1 = σ(h1)\na_o1 = o1\n∂E/∂w5 = (a_o1 - t1)*a_h1",
    "asciimath": "`(dE)/(dw_5) = (a_(o1) - t_1) a_(o1) (1 - a_(o1)) a_(h1)`",
    "word minus": "∂E/∂w5 = (a_o1 minus t1) times a_o1 times (1 minus a_o1) times a_h1",
    "grad nabla": "∇_{w5}E = (a_o1 - t1) a_o1 (1 - a_o1) a_h1\n\n∇w6 = (a_o1 - t1) a_o1 (1 - a_o1) a_h2",
    "d/dw5 E": ("d/dw5 (E) = (a_o1 - t1) a_o1 (1 - a_o1) a_h1\n\n∂/∂w6 E = (a_o1 - t1) a_o1 (1 - a_o1) a_h2"),
    "index generic": "∂E/∂w_ij = δ_j · a_i",
    "index matrix": "∂E/∂w^{(2)}_{11} = (a_o1 - t1) a_o1 (1 - a_o1) a_h1",
    "0-index": (
        "∂E/∂w[4] = (a_o[0] - t[0]) * a_o[0] * (1 - a_o[0]) * a_h[0]\n\n∂E/∂w[5] = (a_o[0] - t[0]) "
        "* a_o[0] * (1 - a_o[0]) * a_h[1]"
    ),
    "table transposed": (
        "| ∂E/∂w5 | ∂E/∂w6 |\n|---|---|\n| (a_o1 - t1)*a_o1*(1 - a_o1)*a_h1 | (a_o1 - t1)*a_o1*(1 "
        "- a_o1)*a_h2 |"
    ),
    "table number": (
        "| k | ∂E/∂w_k |\n|---|---|\n| 5 | (a_o1 - t1)*a_o1*(1 - a_o1)*a_h1 |\n| 6 | (a_o1 - "
        "t1)*a_o1*(1 - a_o1)*a_h2 |"
    ),
    "table losses numbers": (
        "| epoch | E1 | E2 | w5 |\n|---|---|---|---|\n| 1 | 0.27 | 0.02 | 0.4 |\n| 2 | 0.26-0.1 | "
        "0.02 | 0.4 |"
    ),
    "path": "The path is E → a_o1 → o1 → w5, so ∂E/∂a_o1 → ∂a_o1/∂o1 → ∂o1/∂w5",
    "prose need": "For ∂E/∂w5 we need two things: ∂E/∂a_o1 * ∂a_o1/∂o1 and ∂o1/∂w5.",
    "prose is": "a_h1 is the output of h1; w5 is multiplied by a_h1 and E is E1 + E2.",
    "prose depends": "E1 is a function of a_o1, a_o1 is σ(o1) and o1 is w5*a_h1 + w6*a_h2",
    "colon label meaning": "- t1: target of o1\n- a_o1: output after σ(o1)\n- w1: weight between i1 and h1",
    "mapping list": "- i1 -> h1 : w1\n- i2 -> h1 : w2\n- h1 -> o1 : w5",
    "mermaid": "```mermaid\ngraph LR\n i1 -->|w1| h1\n i2 -->|w2| h1\n h1 -->|w5| o1\n```",
    "comparison": "h1 == h2 if w1 = w3",
    "theta with more": "@θ = θ - η * ∂E/∂θ * 2\n\nθ = θ + η * ∂E/∂θ\n\nw = w - η∇E + m",
    "subtracting denied": "@We do not subtract the learning rate times the gradient from the weights here.",
    "asciidoc": "stem:[(del E)/(del w_5) = (a_(o1)-t_1)a_(o1)(1-a_(o1))a_(h1)]",
}


def read(fragment: str) -> DocumentFormulas:
    text = FORWARD + fragment[1:] if fragment.startswith("@") else fragment
    return read_document(markdown_lines(text, "README.md"), "README.md")


@pytest.mark.parametrize("name", RIGHT)
def test_right_statements_are_read_as_right(name: str) -> None:
    count, fragment = RIGHT[name]
    found = read(fragment).lines
    assert [(x.verdict, x.reading) for x in found if x.verdict is not FormulaVerdict.RIGHT] == []
    assert len(found) == count + 4 * fragment.startswith("@")


@pytest.mark.parametrize("name", NOT_ACCUSED)
def test_what_cannot_be_read_is_not_accused(name: str) -> None:
    fine = (FormulaVerdict.RIGHT, FormulaVerdict.UNSURE)
    assert [(x.verdict, x.reading) for x in read(NOT_ACCUSED[name]).lines if x.verdict not in fine] == []

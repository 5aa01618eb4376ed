"""Derivations of any small network, printed as students print them: the oracle's formulas, none of ours."""

from collections.abc import Callable

from grader.core.assigned_network import Activation, AssignedNetwork, Loss, Unit

SLOPES: dict[Activation, Callable[[Unit], str]] = {
    Activation.SIGMOID: lambda u: f"{u.output} * (1 - {u.output})",
    Activation.TANH: lambda u: f"(1 - {u.output}^2)",
    Activation.RELU: lambda u: f"relu'({u.sum})",
    Activation.LINEAR: lambda u: "1",
}


def activated(network: AssignedNetwork, unit: Unit) -> str:
    """The right side of `a_h1 = …`."""
    z = unit.sum
    if network.activation(unit) is Activation.SOFTMAX:
        return f"exp({z}) / ({' + '.join(f'exp({u.sum})' for u in network.outputs)})"
    return {
        Activation.SIGMOID: f"σ({z}) = 1/(1 + exp(-{z}))",
        Activation.TANH: f"tanh({z})",
        Activation.RELU: f"relu({z}) = max(0, {z})",
        Activation.LINEAR: z,
    }[network.activation(unit)]


def forward(network: AssignedNetwork) -> list[str]:
    """Sums, activations and losses."""
    lines = []
    for unit in network.units:
        terms = [f"{w}*{x}" for w, x in unit.terms] + ([unit.bias] if unit.bias else [])
        lines += [f"{unit.sum} = {' + '.join(terms)}", f"{unit.output} = {activated(network, unit)}"]
    n = len(network.outputs)
    for name, unit, t in zip(network.losses, network.outputs, network.targets, strict=True):
        a = unit.output
        entropy = f"-{t}*ln({a})" if network.softmax else f"-({t}*ln({a}) + (1 - {t})*ln(1 - {a}))"
        lines.append(
            f"{name} = "
            + {
                Loss.HALF_SQUARED: f"1/2 * ({t} - {a})^2",
                Loss.SQUARED: f"({t} - {a})^2",
                Loss.MEAN_SQUARED: f"1/{n} * ({t} - {a})^2",
                Loss.CROSS_ENTROPY: entropy,
            }[network.loss]
        )
    return [*lines, f"E = {' + '.join(network.losses)}"]


def output_delta(network: AssignedNetwork, k: int) -> str:
    """∂E/∂o_k in closed form."""
    unit, t = network.outputs[k], network.targets[k]
    a = unit.output
    if network.loss is Loss.CROSS_ENTROPY:
        return f"({a} - {t})"
    n = len(network.outputs)
    scale = {Loss.HALF_SQUARED: "", Loss.SQUARED: "2 * ", Loss.MEAN_SQUARED: f"2/{n} * "}[network.loss]
    slope = SLOPES[network.activation(unit)](unit)
    return f"{scale}({a} - {t})" + ("" if slope == "1" else f" * {slope}")


def delta(network: AssignedNetwork, unit: Unit, *, named: bool = False) -> str:
    """∂E/∂(sum of a unit), closed or by the deltas of the next layer."""
    if unit in network.outputs:
        return output_delta(network, network.outputs.index(unit))
    paths = []
    for after in network.units:
        for w, x in after.terms:
            if x == unit.output:
                paths.append(f"{f'δ_{after.sum}' if named else delta(network, after)} * {w}")
    slope = SLOPES[network.activation(unit)](unit)
    return f"({' + '.join(paths)})" + ("" if slope == "1" else f" * {slope}")


def gradients(network: AssignedNetwork) -> list[str]:
    """∂E/∂w of every weight and bias that one unit has, in closed form."""
    lines = []
    for unit in network.units:
        lines += [f"∂E/∂{w} = {delta(network, unit)} * {x}" for w, x in unit.terms]
    for bias in network.biases:
        own = [u for u in network.units if u.bias == bias]
        lines.append(f"∂E/∂{bias} = {' + '.join(delta(network, u) for u in own)}")
    return lines


def deltas(network: AssignedNetwork) -> list[str]:
    """The same by error signals."""
    lines = []
    for unit in reversed(network.units):
        lines.append(f"δ_{unit.sum} = {delta(network, unit, named=True)}")
        lines += [f"∂E/∂{w} = δ_{unit.sum} * {x}" for w, x in unit.terms]
    return lines


def chains(network: AssignedNetwork) -> list[str]:
    """Steps of the chain rule, for networks without a softmax."""
    lines = []
    for unit in network.outputs:
        lines += [
            f"∂E/∂{w} = ∂E/∂{unit.output} * ∂{unit.output}/∂{unit.sum} * ∂{unit.sum}/∂{w}"
            for w, _ in unit.terms
        ]
        lines += [f"∂{unit.sum}/∂{w} = {x}" for w, x in unit.terms]
    for unit in network.units:
        lines.append(f"∂{unit.output}/∂{unit.sum} = {SLOPES[network.activation(unit)](unit)}")
    for unit in network.hidden:
        lines += [f"∂E/∂{w} = ∂E/∂{unit.output} * ∂{unit.output}/∂{unit.sum} * {x}" for w, x in unit.terms]
    return lines


def document(network: AssignedNetwork, *, by_deltas: bool = False) -> list[str]:
    """A whole derivation."""
    steps = [] if network.softmax else chains(network)
    updates = [f"{w} = {w} - η * ∂E/∂{w}" for w in network.weights]
    return [*forward(network), *steps, *(deltas(network) if by_deltas else gradients(network)), *updates]

"""Rubrics about other networks than the class sheet's: samples of each, and what every criterion must say.

The samples are printed from the rubric's own `[network]` and `[profile]`: a right derivation with a right sheet,
the same by error signals, one wrong gradient in both, and hand-ins about the class sheet's network. After a
wanted change print the table of a rubric anew, and read what moved:

    python -m tests.e2e.test_networks NAME > tests/e2e/networks/NAME.toml
"""

import sys
from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork
from grader.core.report import Report
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.grade.rubric_samples import as_table, differences, expected_table
from grader.pipeline.plan.rubrics import load
from tests.generate.derivation import document
from tests.generate.sheet import formulas, table

TABLES = Path(__file__).parent / "networks"
NAMES = sorted(path.stem for path in TABLES.glob("*.toml"))
STATIC = Settings(execute=False, retrain=False)


def readme(lines: list[str]) -> bytes:
    return ("# Part 1\n\n" + "\n\n".join(lines) + "\n").encode()


def with_wrong_gradient(lines: list[str]) -> list[str]:
    """∂E/∂w2 with the first input in the place of the second."""
    closed = [line for line in lines if line.startswith("∂E/∂w2 = ") and "/∂h1" not in line]
    return [line[:-1] + "1" if line in closed and line.endswith("i2") else line for line in lines]


def samples(profile: Profile) -> dict[str, dict[str, bytes]]:
    network = profile.network
    names = (*network.inputs, *network.targets, *network.weights, *network.biases)
    values = (*profile.inputs, *profile.targets, *profile.weights, *profile.biases)
    start = dict(zip(names, values, strict=True))
    eta = profile.learning_rates[-1]

    def sheet(of: AssignedNetwork = network, changed: dict[str, str] | None = None) -> bytes:
        given = start if of is network else None
        return table(of, rows=30, eta=eta, start=given, changed=changed, train_biases=of.train_biases)

    slip = {"dw2": formulas(network)["dw2"].replace("i2", "i1")}
    right = document(network)
    return {
        "class-network": {"README.md": readme(document(CLASS_NETWORK)), "sheet.xlsx": sheet(CLASS_NETWORK)},
        "by-deltas": {"README.md": readme(document(network, by_deltas=True)), "sheet.xlsx": sheet()},
        "right": {"README.md": readme(right), "sheet.xlsx": sheet()},
        "wrong-gradient": {
            "README.md": readme(with_wrong_gradient(right)),
            "sheet.xlsx": sheet(changed=slip),
        },
    }


def reports(name: str) -> tuple[Report, ...]:
    rules = catalogue()
    loaded = load(name, rules)
    made = samples(loaded.rubric.profile)
    return tuple(
        grade_one(from_bytes(sample, files, single=False), loaded, rules, STATIC)[0]
        for sample, files in sorted(made.items())
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_samples_of_a_network(name: str) -> None:
    wrong = differences(reports(name), expected_table(TABLES / f"{name}.toml"))
    assert not wrong, "\n".join(f"{d.submission} {d.criterion}: {d.expected}, found {d.found}" for d in wrong)


if __name__ == "__main__":
    sys.stdout.write(as_table(reports(sys.argv[1])))

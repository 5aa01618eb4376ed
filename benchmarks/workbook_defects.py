"""How many generated defects are detected, and how often exactly their cells are named.

    python -m benchmarks.workbook_defects --seed N [--count K]

Books in random layouts, defects in turn; position and row are drawn from the seed.
"""

import argparse
import random
from collections import Counter

from grader.core.facts.replay import BookVerdict
from tests.execute.replay.generated import RIGHT_TODAY, named, truth_cells
from tests.execute.replay.sheets import replayed
from tests.generate.formulas import Defect
from tests.generate.workbook import make, random_spec

NO_CELL = {Defect.NONE, Defect.WRONG_CLASS_VALUES, Defect.LYING_TITLE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=len(Defect))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    tally: Counter[str] = Counter()
    for number in range(options.count):
        spec = random_spec(rng, defect=list(Defect)[number % len(Defect)])
        data, truth = make(spec)
        book = replayed(data)
        right = truth.mathematics_right or (spec.defect in RIGHT_TODAY and not spec.inherited)
        verdict = book.verdict is (BookVerdict.CORRECT if right else BookVerdict.WRONG)
        silent = spec.defect in (Defect.NONE, Defect.WRONG_CLASS_VALUES) and not spec.inherited
        detected = bool(book.faults) != silent
        exact = named(book) == truth_cells(truth) or (spec.defect in NO_CELL and not spec.inherited)
        tally.update(books=1, verdict=verdict, detected=detected, named=exact)
        if not (verdict and detected and exact):
            told = [(f.sheet, f.cells, f.diagnosis) for f in book.faults][:6]
            print(
                f"{number} {spec.defect} {spec.layout}: {book.verdict.value}, truth {truth.cells[:3]}, told {told}"
            )
    count = tally["books"]
    print(
        f"seed {options.seed}: {count} books; verdict {tally['verdict']}/{count}, detected {tally['detected']}/{count}, cells named exactly {tally['named']}/{count}"
    )


if __name__ == "__main__":
    main()

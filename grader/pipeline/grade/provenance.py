"""With what a report was made: versions and options, never a clock."""

import platform

import grader
from grader.core.report import Provenance
from grader.core.settings import Settings
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.product_key import RUNNING, environment


def provenance(settings: Settings, known: Known | None = None) -> Provenance:
    """Return versions, options, and what the facts say about isolation, device and seeds."""
    made = known.products() if known is not None else {}
    isolation = getattr(made.get("NotebookRun"), "isolation", None)
    retrained = made.get("RetrainFacts")
    return Provenance(
        grader=grader.__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: found for name, found in environment(RUNNING).items() if name != "python"},
        isolation=str(isolation) if isolation is not None else "nothing was executed",
        device=str(getattr(retrained, "device", "")),
        seeds=tuple(getattr(retrained, "seeds", ())),
        options={
            "execute": "yes" if settings.execute else "no",
            "retrain": "yes" if settings.retrain else "no",
            "device": settings.device.value,
            **({"reproduce": "yes"} if settings.reproduce else {}),
        },
    )

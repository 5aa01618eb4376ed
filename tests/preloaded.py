"""What a worker of a class imports, for the process that workers of the tests are forked from. Nothing of torch."""

import importlib
import pkgutil

PACKAGES = (
    "backprop",
    "checks",
    "execute.replay",
    "extract",
    "ingest",
    "pipeline",
    "render.files",
    "render.pictures",
)
MODULES = (
    "grader.render.pictures_from_products",
    "grader.render.student_page",
    "grader.schedule.local",
    "openpyxl",
)

for package in PACKAGES:
    found = importlib.import_module(f"grader.{package}")
    for module in pkgutil.walk_packages(found.__path__, f"{found.__name__}."):
        importlib.import_module(module.name)
for name in MODULES:
    importlib.import_module(name)

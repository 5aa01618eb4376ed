"""Start of the process: loads this folder as a package of an unlikely name, so that no module of a student
can clash.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location(
    "_grader_worker", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
)
if spec is None or spec.loader is None:
    raise SystemExit("the worker's folder is not readable")
package = importlib.util.module_from_spec(spec)
sys.modules["_grader_worker"] = package
spec.loader.exec_module(package)
importlib.import_module("_grader_worker.main").main()

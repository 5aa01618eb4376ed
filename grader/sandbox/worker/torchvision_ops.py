"""Lets torchvision be imported beside a torch that its compiled library was not built for.

On the usual package index torchvision's library is built against a CUDA torch; beside a CPU build it does not
load, and `import torchvision` then fails with "operator torchvision::nms does not exist", because the package
registers fake kernels for two operators that nobody declared. Data sets and transforms are pure Python and
need neither, so declaring the two schemas is enough. Beside the torch that it was built for the library
declares them itself, and a second declaration ends the process without an exception. So it is loaded first,
as torchvision would load it. Imports nothing but torch, so that the trusted side can use this module too.
"""

import importlib.machinery
import importlib.util
from pathlib import Path

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_libraries: list[torch.library.Library] = []
"""Kept alive: a library that is collected takes its schemas away."""


def declare() -> None:
    """Declare the schemas that torchvision's own library does not bring, once."""
    if _own_library_loads():
        return
    for name, schema in _SCHEMAS.items():
        try:
            torch._C._get_schema(f"torchvision::{name}", "")
        except RuntimeError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(schema)
            _libraries.append(library)


def _own_library_loads() -> bool:
    """Whether torchvision's compiled operators are there and fit this torch; loads them if so."""
    spec = importlib.util.find_spec("torchvision")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            path = Path(folder, f"_C{suffix}")
            if path.is_file():
                try:
                    torch.ops.load_library(str(path))
                except (ImportError, OSError):
                    return False
                return True
    return False

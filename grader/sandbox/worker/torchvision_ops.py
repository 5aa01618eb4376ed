"""Lets torchvision be imported beside a CPU build of torch.

torchvision's compiled library is built against a CUDA torch; beside a CPU build it does not load, and `import torchvision`
then fails with "operator torchvision::nms does not exist", because the package registers fake kernels for two operators
that nobody declared. Data sets and transforms are pure Python and need neither, so declaring the two schemas is enough.
Imports nothing but torch, so that the trusted side can use this module too.
"""

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_libraries: list[torch.library.Library] = []
"""Kept alive: a library that is collected takes its schemas away."""


def declare() -> None:
    """Declare the missing schemas, once; a torchvision that brings its own kernels can still register them."""
    for name, schema in _SCHEMAS.items():
        try:
            torch._C._get_schema(f"torchvision::{name}", "")
        except RuntimeError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(schema)
            _libraries.append(library)

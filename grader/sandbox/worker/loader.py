"""Batches of MNIST straight from memory, bit for bit those that torchvision makes of one digit after the
other.

Only the fetching of a batch is replaced, by the indices that torch's own sampler drew: order, seeds and
random streams stay torch's. ToTensor and Normalize alone cost 7 CPU seconds an epoch, since every digit
becomes a PIL image first. Nothing is kept between batches, so a notebook that changes its digits or its
transform gets what it asks for.
"""

from contextlib import suppress
from typing import Any

import torch
from torch.utils import data as torch_data
from torch.utils.data import dataloader
from torch.utils.data._utils import fetch

from .patches import Ledger

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def install(ledger: Ledger, mnist: Any) -> None:  # noqa: C901  closures share what they must not replace
    """Serve plain MNIST from memory until `ledger.restore`; everything else goes torch's way."""
    from torchvision import transforms
    from torchvision.transforms import functional

    getitem = mnist.__getitem__
    subset = (torch_data.Subset.__getitems__, torch_data.Subset.__getitem__)
    normalize = functional.normalize
    methods = {
        transforms.Compose: transforms.Compose.__call__,
        transforms.ToTensor: transforms.ToTensor.__call__,
        transforms.Normalize: transforms.Normalize.forward,
    }

    def plain(transform: Any) -> list[tuple[Any, Any]] | None:
        """The (mean, deviation) of every Normalize after one ToTensor; None for any other transform."""
        parts = list(transform.transforms) if type(transform) is transforms.Compose else [transform]
        for kind, method in methods.items():
            if (kind.forward if kind is transforms.Normalize else kind.__call__) is not method:
                return None  # the notebook patched the class
        if not parts or type(parts[0]) is not transforms.ToTensor or functional.normalize is not normalize:
            return None
        found = []
        for part in parts[1:]:
            own = vars(part)
            if type(part) is not transforms.Normalize or "forward" in own or any(own[h] for h in _HOOKS):
                return None
            found.append((part.mean, part.std))
        return found

    def batch(fetcher: Any, indices: Any) -> list[torch.Tensor] | None:
        dataset = fetcher.dataset
        if not fetcher.auto_collation or fetcher.collate_fn is not dataloader.default_collate:
            return None
        if type(dataset) is torch_data.Subset:
            kind = torch_data.Subset
            if (kind.__getitems__, kind.__getitem__) != subset or "__getitems__" in vars(dataset):
                return None
            indices = [dataset.indices[i] for i in indices]
            dataset = dataset.dataset
        if type(dataset) is not mnist or mnist.__getitem__ is not getitem or hasattr(dataset, "__getitems__"):
            return None
        if dataset.target_transform is not None or not _stored(dataset):
            return None
        steps = plain(dataset.transform)
        if steps is None:
            return None
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        images = dataset.data[chosen].unsqueeze(1).to(dtype=torch.get_default_dtype()).div(255)
        for mean, deviation in steps:
            images = normalize(images, mean, deviation)
        # A mean of three channels would have been broadcast here and refused there.
        return [images, dataset.targets[chosen]] if images.shape[1] == 1 else None

    def quick(fetcher: Any, indices: Any) -> Any:
        made = None
        with suppress(Exception):  # what is odd about it shall fail the way it does without us
            made = batch(fetcher, indices)
        return original(fetcher, indices) if made is None else made

    original = ledger.patch(fetch._MapDatasetFetcher, "fetch", quick)


def _stored(dataset: Any) -> bool:
    """Whether digits and labels lie there as torchvision keeps them."""
    images, labels = dataset.data, dataset.targets
    return (
        type(images) is torch.Tensor
        and type(labels) is torch.Tensor
        and images.dtype is torch.uint8
        and labels.dtype is torch.int64
        and images.dim() == 3
        and labels.dim() == 1
    )

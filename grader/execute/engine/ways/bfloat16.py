"""Mode `fast`: the same training with cheaper random numbers and arithmetic. It screens; nobody fails on it.

Drawing dropout masks number by number is a quarter of the time of a network of this size (`aten::bernoulli_`
is serial), so masks are cut out of a pool at a random offset: each number has the same distribution, but
neighbours repeat after a while. Where the processor multiplies in bfloat16, forward and backward use it
(elsewhere it costs half as much again); weights, statistics and scoring stay in float32.
"""

import torch
from torch import Tensor, nn

POOL = 1 << 22
"""Numbers in a pool of masks: many times what one layer takes for a batch."""


class Pool:
    """Dropout masks for one probability, scaled by 1 / (1 - p)."""

    def __init__(self, p: float, device: torch.device) -> None:
        # A generator of its own: a resumed training makes the same pool and goes on with the same offsets.
        drawn = torch.rand(POOL, generator=torch.Generator().manual_seed(1)) >= p
        self._masks = drawn.float().div_(1 - p).to(device)

    def __call__(self, values: Tensor) -> Tensor:
        """Drop from a batch, drawing only an offset."""
        count = values.numel()
        pieces = [self._piece(min(POOL // 2, count - at)) for at in range(0, count, POOL // 2)]
        whole = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        # In the memory order of the values, whatever their layout; all layouts of a convolution are dense.
        return values * whole.as_strided(values.shape, values.stride(), whole.storage_offset()).to(
            values.dtype
        )

    def _piece(self, count: int) -> Tensor:
        offset = int(torch.randint(POOL - count, (1,)).item())
        return self._masks[offset : offset + count]


class PooledDropout:
    """Stands in for `aten.dropout`: (input, p, train)."""

    def __init__(self) -> None:
        self._pools: dict[float, Pool] = {}

    def __call__(self, values: Tensor, p: float, train: bool) -> Tensor:
        """Drop with probability p in training."""
        if not train or p <= 0:
            return values
        dense = values.is_contiguous() or values.is_contiguous(memory_format=torch.channels_last)
        if p >= 1 or not dense:
            return torch.dropout(values, p, train)
        if p not in self._pools:
            self._pools[p] = Pool(p, values.device)
        return self._pools[p](values)


def half_precision_pays(device: str) -> bool:
    """Whether bfloat16 is a matter of hardware here, not of emulation."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = getattr(torch.cpu, "get_capabilities", None)  # torch 2.9 cannot tell
    able = capabilities() if capabilities is not None else {}
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


class HalfPrecision(nn.Module):
    """Runs a network in bfloat16 while it trains; answers come back in float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """One pass in the current mode."""
        # Without the cache of casts, which a captured graph cannot have: every weight is read once a pass.
        with torch.autocast(
            images.device.type, dtype=torch.bfloat16, enabled=self.training, cache_enabled=False
        ):
            answers: Tensor = self.network(images)
        return answers.float()

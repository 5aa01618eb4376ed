"""The kernels of `native/` in NumPy and torch, by the same addresses: right, slow, and there without a compiler."""

import ctypes
import importlib.util
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from grader.execute.engine.ways import native_kernels

NOT_BUILT = "the native kernels are not built (`make native`)"
built = pytest.mark.skipif(importlib.util.find_spec("grader_native") is None, reason=NOT_BUILT)


def at(address: float, count: float, kind: type = np.float32) -> NDArray[Any]:
    """The numbers that stand there."""
    size = int(count) * np.dtype(kind).itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(int(address)), kind)


def rectified(values: NDArray[Any], on: bool) -> NDArray[Any]:
    return np.where(values < 0, 0, values) if on else values


class Double:
    """What `Kernels` asks for, in float64."""

    VERSION = native_kernels.VERSION

    def batch_norm(self, *arguments: float) -> None:
        (
            x,
            y,
            rows,
            channels,
            gamma,
            beta,
            mean,
            scale,
            running_mean,
            running_var,
            momentum,
            epsilon,
            rectify,
        ) = arguments
        maps = at(x, rows * channels).reshape(int(rows), -1).astype(float)
        maps = rectified(maps, bool(int(rectify) & 1))
        variance = maps.var(0)
        at(mean, channels, float)[:] = maps.mean(0)
        at(scale, channels, float)[:] = 1 / np.sqrt(variance + epsilon)
        normed = (maps - maps.mean(0)) / np.sqrt(variance + epsilon) * at(gamma, channels) + at(
            beta, channels
        )
        at(y, rows * channels)[:] = rectified(normed, bool(int(rectify) & 2)).ravel()
        sample = variance * rows / (rows - 1)
        for address, new in ((running_mean, maps.mean(0)), (running_var, sample)):
            if address:
                kept = at(address, channels)
                kept[:] = momentum * new + (1 - momentum) * kept.astype(float)

    def batch_norm_back(self, *arguments: float) -> None:
        dy, x, dx, rows, channels, gamma, beta, mean, scale, dgamma, dbeta, rectify = arguments
        raw = at(x, rows * channels).reshape(int(rows), -1).astype(float)
        slope = at(scale, channels, float)
        normed = (rectified(raw, bool(int(rectify) & 1)) - at(mean, channels, float)) * slope
        found = at(dy, rows * channels).reshape(int(rows), -1).astype(float)
        if int(rectify) & 2:
            found = np.where(normed * at(gamma, channels) + at(beta, channels) <= 0, 0, found)
        at(dgamma, channels)[:] = (found * normed).sum(0)
        at(dbeta, channels)[:] = found.sum(0)
        back = at(gamma, channels) * slope * (found - found.mean(0) - normed * (found * normed).mean(0))
        if int(rectify) & 1:
            back = np.where(raw <= 0, 0, back)
        at(dx, rows * channels)[:] = back.ravel()

    def dropout(self, *arguments: float) -> None:
        generator, size, x, y, kept, count, keep = arguments
        state = at(generator, size, np.uint8)
        drawing = torch.Generator()
        drawing.set_state(torch.from_numpy(state.copy()))
        mask = torch.empty(int(count)).bernoulli_(keep, generator=drawing)
        state[:] = drawing.get_state().numpy()
        at(kept, count, np.uint8)[:] = mask.numpy()
        at(y, count)[:] = at(x, count) * mask.div_(keep).numpy()

    def dropout_back(self, *arguments: float) -> None:
        dy, kept, dx, count, keep = arguments
        mask = torch.from_numpy(at(kept, count, np.uint8)).float().div_(keep)
        at(dx, count)[:] = at(dy, count) * mask.numpy()

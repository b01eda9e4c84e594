"""Latents that a diverging training has driven out of bounds, noticed before anything is fitted to them."""

from __future__ import annotations

from torch import Tensor

FARTHEST = 1e15  # a sum of squares of these is still a float32


def check_finite(z: Tensor) -> None:
    """Raises FloatingPointError where latents are infinite, or so far out that their covariance is."""
    if not bool((z.abs() <= FARTHEST).all()):  # NaN is not less than anything
        raise FloatingPointError("the latents became infinite")

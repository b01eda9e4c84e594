"""Dense networks, from data to features and from a latent to data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from aigc.nets.kinds import Norm
from aigc.nets.layers import last, layer


def dense_features(
    shape: tuple[int, ...], widths: Sequence[int], activation: type[nn.Module], norm: Norm = Norm.NONE, dropout: float = 0.0
) -> tuple[nn.Sequential, int]:
    """(B, *shape) -> (B, F), and F: the last width, or the size of the data when there are no hidden layers."""
    sizes = [math.prod(shape), *widths]
    hidden = [part for a, b in pairwise(sizes) for part in layer(nn.Linear(a, b), norm, activation, dropout)]
    return nn.Sequential(nn.Flatten(), *hidden), sizes[-1]


def dense_maker(size: int, widths: Sequence[int], shape: tuple[int, ...], activation: type[nn.Module], norm: Norm = Norm.NONE) -> nn.Sequential:
    """(B, size) -> (B, *shape), unbounded."""
    sizes = [size, *widths]
    hidden = [part for a, b in pairwise(sizes) for part in layer(nn.Linear(a, b), norm, activation)]
    return nn.Sequential(*hidden, last(nn.Linear(sizes[-1], math.prod(shape)), norm), nn.Unflatten(1, shape))

"""Convolutional networks that halve a picture down to features and double features up to a picture (Radford et al. 2016).

All arithmetic happens at half the picture's size and below, which is what makes them quick on a CPU.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from aigc.nets.kinds import Norm
from aigc.nets.layers import Dropout, last, layer

Size = tuple[int, int]
SMALLEST = 8  # a side is halved while it is at least this long


def sizes(shape: tuple[int, ...]) -> list[Size]:
    """The sizes a picture goes through, itself first: 28, 14, 7 or 64, 32, 16, 8, 4.  A small picture is halved once at least."""
    found = [(shape[1], shape[2])]
    while len(found) == 1 or min(found[-1]) >= SMALLEST:
        found.append((found[-1][0] // 2, found[-1][1] // 2))
    return found


def _channels(shape: tuple[int, ...], channels: int) -> list[int]:
    return [shape[0], *(channels * 2**i for i in range(len(sizes(shape)) - 1))]


def conv_features(
    shape: tuple[int, int, int], channels: int, activation: type[nn.Module], norm: Norm = Norm.NONE, dropout: float = 0.0
) -> tuple[nn.Sequential, int]:
    """(B, *shape) -> (B, F), and F.  Convolutions with stride 2; the first is not normalised in batches or layers."""
    widths = _channels(shape, channels)
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        bare = i == 0 and norm is not Norm.SPECTRAL
        parts += layer(nn.Conv2d(a, b, 4, stride=2, padding=1), Norm.NONE if bare else norm, activation, dropout)
    height, width = sizes(shape)[-1]
    return nn.Sequential(*parts, nn.Flatten()), widths[-1] * height * width


def conv_maker(size: int, channels: int, shape: tuple[int, int, int], activation: type[nn.Module], norm: Norm = Norm.NONE) -> nn.Sequential:
    """(B, size) -> (B, *shape), unbounded.  A dense layer, then transposed convolutions with stride 2."""
    widths, scales = _channels(shape, channels)[::-1], sizes(shape)[::-1]
    start = (widths[0], *scales[0])
    parts = [*layer(nn.Linear(size, start[0] * start[1] * start[2]), norm, activation), nn.Unflatten(1, start)]
    for i, (a, b) in enumerate(pairwise(widths)):
        (h, w), (up_h, up_w) = scales[i], scales[i + 1]
        up = nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, output_padding=(up_h - 2 * h, up_w - 2 * w))
        parts += layer(up, norm, activation) if i < len(widths) - 2 else [last(up, norm)]
    return nn.Sequential(*parts)


def pooled_features(shape: tuple[int, int, int], dropout: float, activation: type[nn.Module], norm: Norm = Norm.NONE) -> tuple[nn.Sequential, int]:
    """(B, *shape) -> (B, F), and F.  The articles' small critic: convolve to 32, pool, drop, convolve to 64, pool, drop.

    What rises, as activations do, may as well follow the pooling: the same numbers, for a quarter of the work.
    """
    edge = 0 if min(shape[1:]) >= 10 else 1  # without an edge an 8-pixel picture would shrink to nothing
    parts: list[nn.Module] = []
    for a, b in pairwise((shape[0], 32, 64)):
        *convolved, bent = layer(nn.Conv2d(a, b, 3, padding=edge), norm, activation)
        parts += [*convolved, nn.MaxPool2d(2), bent, Dropout(dropout)]

    def after(side: int) -> int:
        return ((side - 2 + 2 * edge) // 2 - 2 + 2 * edge) // 2

    return nn.Sequential(*parts, nn.Flatten()), 64 * after(shape[1]) * after(shape[2])

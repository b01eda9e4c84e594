"""Convolutional networks that halve a picture down to features and double features up to a picture (Radford et al. 2016).

All arithmetic happens at half the picture's size and below, which is what makes them quick on a CPU.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

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
    return nn.Sequential(*_flattened(parts)), widths[-1] * height * width


def _flattened(parts: list[nn.Module]) -> list[nn.Module]:
    """Flat before the last activation: gradients come back flat, and an activation is slow on two layouts in memory at once."""
    bent = -2 if isinstance(parts[-1], Dropout) else -1
    return [*parts[:bent], nn.Flatten(), *parts[bent:]]


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


class Corner(nn.Sequential):
    """Of a picture only its upper left corner, which is all that reaches the end: pooling in twos leaves an odd row and column out."""

    def __init__(self, *parts: nn.Module, height: int | None, width: int | None):
        super().__init__(*parts)
        self.height, self.width = height, width  # None: all of it

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[..., : self.height, : self.width])  # type: ignore[no-any-return]


def pooled_features(shape: tuple[int, int, int], dropout: float, activation: type[nn.Module], norm: Norm = Norm.NONE) -> tuple[nn.Sequential, int]:
    """(B, *shape) -> (B, F), and F.  The articles' small critic: convolve to 32, pool, drop, convolve to 64, pool, drop.

    The same numbers for less work: what rises, as activations do, follows the pooling, a quarter of the units; and what pooling leaves out is
    not computed at all, unless a normalisation over the picture counts it in.  Of 28 pixels a side 26 are seen.
    """
    edge = 0 if min(shape[1:]) >= 10 else 1  # without an edge an 8-pixel picture would shrink to nothing
    parts: list[nn.Module] = []
    for a, b in pairwise((shape[0], 32, 64)):
        *convolved, bent = layer(nn.Conv2d(a, b, 3, padding=edge), norm, activation)
        parts += [*convolved, nn.MaxPool2d(2), bent, Dropout(dropout)]

    def after(side: int) -> int:
        return ((side - 2 + 2 * edge) // 2 - 2 + 2 * edge) // 2

    def seen(side: int) -> int | None:
        return None if edge or norm in (Norm.BATCH, Norm.LAYER) else 2 * (2 * after(side) + 2) + 2

    return Corner(*parts, nn.Flatten(), height=seen(shape[1]), width=seen(shape[2])), 64 * after(shape[1]) * after(shape[2])

"""Features of data and data from latents, by the kind of network that a config asks for."""

from __future__ import annotations

from typing import cast

from torch import nn

from aigc.nets.conv import conv_features, conv_maker
from aigc.nets.kinds import Body, Network, Norm
from aigc.nets.mlp import dense_features, dense_maker


def features(
    shape: tuple[int, ...], body: Body, activation: type[nn.Module], norm: Norm = Norm.NONE, dropout: float = 0.0
) -> tuple[nn.Sequential, int]:
    """(B, *shape) -> (B, F), and F.  Raises Refusal for a convolution over points."""
    if body.network.on(shape) is Network.DENSE:
        return dense_features(shape, body.widths(), activation, norm, dropout)
    return conv_features(cast(tuple[int, int, int], shape), body.channels, activation, norm, dropout)


def maker(size: int, shape: tuple[int, ...], body: Body, activation: type[nn.Module], norm: Norm = Norm.NONE) -> nn.Sequential:
    """(B, size) -> (B, *shape), unbounded: the mirror of `features`.  Raises Refusal for a convolution over points."""
    if body.network.on(shape) is Network.DENSE:
        return dense_maker(size, body.widths()[::-1], shape, activation, norm)
    return conv_maker(size, body.channels, cast(tuple[int, int, int], shape), activation, norm)

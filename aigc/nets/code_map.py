"""A picture to a map of codes at a quarter of its side, and back: what a diffusion model can work in.   Rombach et al. 2022, app. E

The picture is folded (space to depth) to half its side before the first convolution and unfolded after the last one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from aigc.nets.kinds import map_shape
from aigc.nets.layers import ConvTranspose2x2
from aigc.nets.unet import group_norm, zeroed


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; starts as the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm1, self.conv1 = group_norm(channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2, self.conv2 = group_norm(channels), zeroed(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        return x + self.conv2(functional.silu(self.norm2(h)))


class ChannelsLast(nn.Module):
    """Folding leaves the pixels in an order that convolutions are slow on."""

    def forward(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)


def map_encoder(shape: tuple[int, ...], width: int, out: int) -> nn.Sequential:
    """(B, *shape) -> (B, out H W / 16): `out` numbers at every place of the map, channel by channel; `width` channels at half the side."""
    return nn.Sequential(
        nn.PixelUnshuffle(2), ChannelsLast(), nn.Conv2d(4 * shape[0], width, 3, padding=1), Block(width),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), Block(2 * width),
        group_norm(2 * width), nn.SiLU(), nn.Conv2d(2 * width, out, 3, padding=1), nn.Flatten(),
    )  # fmt: skip


def map_decoder(codes: int, shape: tuple[int, ...], width: int) -> nn.Sequential:
    """(B, codes H W / 16) -> (B, *shape), unbounded.  Twice as deep at the map as the encoder: it has to make up what was lost."""
    return nn.Sequential(
        nn.Unflatten(1, map_shape(shape, codes)), ChannelsLast(), nn.Conv2d(codes, 2 * width, 3, padding=1), Block(2 * width), Block(2 * width),
        ConvTranspose2x2(2 * width, width), Block(width),
        group_norm(width), nn.SiLU(), nn.Conv2d(width, 4 * shape[0], 3, padding=1), nn.PixelShuffle(2),
    )  # fmt: skip

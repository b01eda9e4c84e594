"""The smallest pieces: a layer with its normalisation, and labels as numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from aigc.nets.kinds import Norm

GROUPS = 1  # of a group normalisation: one group is layer normalisation over all channels and pixels


def layer(linear: nn.Module, norm: Norm, activation: type[nn.Module], dropout: float = 0.0) -> list[nn.Module]:
    """A linear map or convolution, normalised, then bent, then thinned.   Spectral: Miyato et al. 2018"""
    flat = isinstance(linear, nn.Linear)
    size = linear.out_features if isinstance(linear, nn.Linear) else int(linear.out_channels)  # type: ignore[arg-type]
    parts: list[nn.Module] = [spectral_norm(linear) if norm is Norm.SPECTRAL else linear]
    if norm is Norm.BATCH:
        parts.append(nn.BatchNorm1d(size) if flat else nn.BatchNorm2d(size))
    if norm is Norm.LAYER:
        parts.append(nn.LayerNorm(size) if flat else nn.GroupNorm(GROUPS, size))
    parts.append(activation())
    if dropout > 0:
        parts.append(Dropout(dropout))
    return parts


def last(linear: nn.Module, norm: Norm) -> nn.Module:
    """The closing layer: nothing follows it, but a spectral bound must hold for it too."""
    return spectral_norm(linear) if norm is Norm.SPECTRAL else linear


class LeakyReLU(nn.LeakyReLU):
    """With the slope 0.2 below zero that critics are given.   Radford et al. 2016"""

    def __init__(self) -> None:
        super().__init__(0.2)


class ConvTranspose2x2(nn.ConvTranspose2d):
    """(B, C, H, W) -> (B, C', 2 H, 2 W): a pixel becomes four, each by a matrix of its own.

    On a CPU as the matrix product that it is, which takes half the time of torch's transposed convolution.
    """

    def __init__(self, channels: int, out: int):
        super().__init__(channels, out, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if x.device.type != "cpu":
            return super().forward(x)
        b, c, h, w = x.shape
        y = x.permute(0, 2, 3, 1).reshape(-1, c) @ self.weight.permute(0, 2, 3, 1).flatten(1)  # (B H W, 2 2 C')
        y = y.view(b, h, w, 2, 2, -1).transpose(2, 3).reshape(b, 2 * h, 2 * w, -1) + self.bias  # type: ignore[operator]
        return y.permute(0, 3, 1, 2)


class Dropout(nn.Dropout):
    """torch's own, about eight times as quick on a CPU: eight random bits decide over a unit.

    256 times the rate is rounded up or down by lot, anew for every batch, so that on average the rate is met exactly.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not self.training or not 1 / 256 <= self.p <= 255 / 256 or torch.compiler.is_compiling():
            return super().forward(x)
        lots = torch.empty(-(-x.numel() // 8) + 1, dtype=torch.int64).random_(-(2**63), None)
        bound = math.floor(256 * self.p + 0.5 + float(lots.numpy()[-1]) / 2**64) - 128
        kept = lots.view(torch.int8)[: x.numel()].clamp_(bound - 1, bound).sub_(bound - 1)  # 0 or 1; comparing takes four times as long
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p)).as_strided(x.size(), torch.empty_like(x).stride())


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(B,) -> (B, classes) float; unlike torch's own it asks the device nothing."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


def with_label(x: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    """(B, F) -> (B, F + classes), or x itself when there are no classes to tell apart."""
    return torch.cat([x, one_hot(labels, classes)], 1) if classes and labels is not None else x

"""The smallest pieces: a layer with its normalisation, and labels as numbers."""

from __future__ import annotations

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
        parts.append(nn.Dropout(dropout))
    return parts


def last(linear: nn.Module, norm: Norm) -> nn.Module:
    """The closing layer: nothing follows it, but a spectral bound must hold for it too."""
    return spectral_norm(linear) if norm is Norm.SPECTRAL else linear


class LeakyReLU(nn.LeakyReLU):
    """With the slope 0.2 below zero that critics are given.   Radford et al. 2016"""

    def __init__(self) -> None:
        super().__init__(0.2)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(B,) -> (B, classes) float; unlike torch's own it asks the device nothing."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


def with_label(x: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    """(B, F) -> (B, F + classes), or x itself when there are no classes to tell apart."""
    return torch.cat([x, one_hot(labels, classes)], 1) if classes and labels is not None else x

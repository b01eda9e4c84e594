"""How a network is told the noise level and the class."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def sinusoids(time: Tensor, size: int, slowest: float = 1.0, fastest: float = 200.0) -> Tensor:
    """Cosines and sines of a time in [0, 1] at geometric frequencies in radians.  (B,) -> (B, size)   Vaswani et al. 2017, 3.5"""
    frequency = torch.logspace(math.log10(slowest), math.log10(fastest), size // 2, device=time.device)
    angle = time[:, None].float() * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=1)


class Conditioning(nn.Module):
    """One vector for each example from its noise level and its label.

    Label number `classes` stands for "no label": it is what classifier-free guidance subtracts.
    """

    def __init__(self, size: int, classes: int = 0):
        super().__init__()
        self.size = size
        self.classes = classes
        self.of_time = nn.Sequential(nn.Linear(size, size), nn.SiLU(), nn.Linear(size, size))
        self.of_label = nn.Embedding(classes + 1, size) if classes else None

    def forward(self, time: Tensor, labels: Tensor | None) -> Tensor:
        """(B,) in [0, 1], (B,) int64 or None -> (B, size), already through the SiLU that every block would apply."""
        c = self.of_time(sinusoids(time, self.size))
        if self.of_label is not None:
            if labels is None:
                labels = torch.full(time.shape, self.classes, device=time.device, dtype=torch.long)
            c = c + self.of_label(labels)
        return nn.functional.silu(c)

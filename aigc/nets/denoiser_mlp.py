"""A residual dense network told the noise level and the class: for 2-D points, and for images as one long vector."""

from __future__ import annotations

import math

from torch import Tensor, nn

from aigc.nets.embeddings import Conditioning
from aigc.nets.layers import Dropout


class DenseBlock(nn.Module):
    """x + W2 silu(W1 (norm(x) scaled and shifted)); starts as the identity."""

    def __init__(self, width: int, condition: int, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.scale_shift = nn.Linear(condition, 2 * width)
        self.inner = nn.Linear(width, width)
        self.dropout = Dropout(dropout)
        self.outer = nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.scale_shift(condition).chunk(2, dim=1)
        h = self.norm(x) * (1 + scale) + shift
        return x + self.outer(self.dropout(nn.functional.silu(self.inner(h))))


class DenseDenoiser(nn.Module):
    """(B, *shape), time (B,) in [0, 1], labels (B,) or None -> (B, *shape)."""

    def __init__(self, shape: tuple[int, ...], width: int, depth: int, *, classes: int = 0, dropout: float = 0.0):
        super().__init__()
        values = math.prod(shape)
        self.condition = Conditioning(64, classes)
        self.into = nn.Linear(values, width)
        self.blocks = nn.ModuleList(DenseBlock(width, 64, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, values)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, time: Tensor, labels: Tensor | None = None) -> Tensor:
        condition = self.condition(time, labels)
        h = self.into(x.flatten(1))
        for block in self.blocks:
            h = block(h, condition)
        return self.out(nn.functional.silu(self.norm(h))).view_as(x)

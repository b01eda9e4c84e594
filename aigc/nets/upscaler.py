"""A residual network that doubles a picture: all of its work at the small size, then pixels are shuffled out (Shi et al. 2016, Lim et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


class ResidualUpscaler(nn.Module):
    """(B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W), not clipped: what bicubic interpolation gives, plus what it misses."""

    def __init__(self, width: int = 48, blocks: int = 8, scale: int = 2):
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, 3 * scale**2, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    @property
    def reach(self) -> int:
        """Pixels of the small picture, in each direction, that one of its pixels is made from."""
        return 2 * len(self.blocks) + 2

    def forward(self, x: Tensor) -> Tensor:
        seen = self.head((x - 0.5).to(self.head.weight.dtype))
        missing = nn.functional.pixel_shuffle(self.tail(seen + self.blocks(seen)), self.scale)
        return interpolate(x.float(), scale_factor=self.scale, mode="bicubic", align_corners=False) + missing.float()

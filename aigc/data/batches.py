"""Real data on the device, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Real data on the device: images (B, C, H, W) float in [0, 1], or points (B, 2), with labels (B,) int64 or None."""

    x: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

"""An exponential moving average of weights with its half-life in images (Karras et al. 2022, table 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EMA:
    """`averaged` is a copy of `source` whose parameters follow it; buffers are copied as they are."""

    def __init__(self, source: nn.Module, averaged: nn.Module):
        self.source, self.averaged = source, averaged
        averaged.load_state_dict(source.state_dict())
        averaged.requires_grad_(False).eval()
        self._weights: tuple[list[Tensor], list[Tensor]] = (list(averaged.parameters()), [p.detach() for p in source.parameters()])
        self._buffers = (list(averaged.buffers()), list(source.buffers()))

    @torch.no_grad()
    def update(self, images: int, halflife: float, seen: int) -> None:
        """After a step on `images` images, `seen` in all; early on the half-life is at most a tenth of what was seen."""
        halflife = min(halflife, seen / 10)
        keep = 0.5 ** (images / halflife) if halflife > 0 else 0.0
        ours, theirs = self._weights
        if ours:
            torch._foreach_lerp_(ours, theirs, 1 - keep)
        if self._buffers[0]:
            torch._foreach_copy_(*self._buffers)

    def state_dict(self) -> dict[str, Tensor]:
        return self.averaged.state_dict()

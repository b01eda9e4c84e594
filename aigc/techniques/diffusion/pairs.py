"""Noise and what another model makes of it, in pairs: what a shortcut learns from (reflow: Liu et al. 2023, section 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from aigc.data.batches import Batch, stable_hash

EXAMPLES = 20_000  # pairs that are kept and seen again; on MNIST more of them gain nothing

Make = Callable[[Tensor, Tensor | None, Generator], Tensor]


@dataclass(frozen=True, kw_only=True)
class PairBatch(Batch):
    """`x` is made from `noise`, both (B, *shape) as the network sees them; the labels are those it was made for."""

    noise: Tensor


class Pairs:
    """An endless order of such batches: each is made when it is first asked for, and a batch is a function of its index alone."""

    def __init__(self, make: Make, shape: tuple[int, ...], classes: int, size: int, seed: int, device: torch.device):
        self.make, self.shape, self.classes, self.size, self.seed, self.device = make, shape, classes, size, seed, device
        self._made: dict[int, Tensor] = {}

    def draw(self, index: int, rng: Generator) -> PairBatch:
        place = index % -(-EXAMPLES // self.size)
        own = Generator(self.device).manual_seed(stable_hash(self.seed, place))
        noise = torch.randn(self.size, *self.shape, generator=own, device=self.device)
        labels = torch.randint(self.classes, (self.size,), generator=own, device=self.device) if self.classes else None
        if place not in self._made:
            self._made[place] = self.make(noise, labels, own).half()  # finer than the grey levels of a picture
        return PairBatch(self._made[place].float(), labels, noise=noise)

"""Real data on the device, a batch at a time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from aigc.data.augment import Augmentation, augment
from aigc.data.load import Dataset

__all__ = ["Augmentation", "Batch", "Batches", "Draws", "augment", "examples"]


@dataclass(frozen=True)
class Batch:
    """Real data on the device: images (B, C, H, W) float in [0, 1], or points (B, 2), with labels (B,) int64 or None."""

    x: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)


class Draws(Protocol):
    """Where training draws from."""

    def draw(self, index: int, rng: Generator) -> Batch:
        """The batch after `index` others."""
        ...


class Batches:
    """The dataset in an endless order, shuffled anew each time through; a batch is a function of its index alone.

    The whole dataset lies on the device as one tensor of bytes, channels last.  Batches follow each other without a gap, so
    that each time through, every example is drawn exactly once: a batch may hold the end of one round and the beginning of
    the next, or several rounds of a dataset smaller than itself.
    """

    def __init__(self, dataset: Dataset, size: int, augmentation: Augmentation, seed: int, device: torch.device | str):
        here = dataset.to(device)
        self.is_points = here.spec.is_points
        self.x = here.x if self.is_points else here.x.permute(0, 2, 3, 1).contiguous()
        self.labels = here.labels
        self.size, self.augmentation, self.seed = size, augmentation, seed
        self.orders: dict[int, Tensor] = {}  # of the rounds in use: the present one and perhaps the next

    def draw(self, index: int, rng: Generator) -> Batch:
        """The batch after `index` others; only the augmentation draws from `rng`.  Nothing waits for the device."""
        which = self._which(index * self.size)
        labels = None if self.labels is None else self.labels.index_select(0, which)
        x = self.x.index_select(0, which)
        if self.is_points:
            return Batch(x, labels)
        x = augment(as_float(x.permute(0, 3, 1, 2)), self.augmentation, rng)
        return Batch(x.contiguous(memory_format=torch.channels_last), labels)

    def _which(self, start: int) -> Tensor:
        """The examples at positions start to start + size of the endless order.  -> int64 (size,)"""
        n = len(self.x)
        parts = []
        for epoch in range(start // n, (start + self.size - 1) // n + 1):
            parts.append(self._order(epoch)[max(0, start - epoch * n) : start + self.size - epoch * n])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self.orders:
            rng = Generator(self.x.device).manual_seed(stable_hash(self.seed, epoch))
            self.orders = {e: order for e, order in self.orders.items() if e == epoch - 1}
            self.orders[epoch] = torch.randperm(len(self.x), generator=rng, device=self.x.device)
        return self.orders[epoch]


def as_float(x: Tensor) -> Tensor:
    """0..255 -> [0, 1]; keeps the memory format."""
    return x.float().div_(255)


def examples(dataset: Dataset, n: int, augmentation: Augmentation, rng: Generator) -> Tensor:
    """n training examples as a model will see them.  -> (n, C, H, W) in [0, 1], or points (n, 2)

    The same `rng` chooses the same examples whatever the augmentation, so that the two can be shown side by side.
    """
    which = torch.randperm(len(dataset), generator=rng, device=dataset.x.device)[:n]
    x = dataset.x.index_select(0, which)
    return x if dataset.spec.is_points else augment(as_float(x), augmentation, rng)


def stable_hash(seed: int, epoch: int) -> int:
    """A seed for the order of one round: neighbouring seeds and rounds have nothing in common."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{epoch}".encode(), digest_size=8).digest(), "big") >> 1

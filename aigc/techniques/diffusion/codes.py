"""The training pictures as codes, worked out once, so that no step pays for the encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from aigc.data.augment import Augmentation
from aigc.data.batches import Batch, Batches, as_float
from aigc.data.load import Dataset
from aigc.options import Options

CHUNK = 128  # pictures encoded at a time


@dataclass(frozen=True)
class CodeBatch(Batch):
    """`x` is what the pictures were encoded to: (B, channels, H, W)."""


class CodeBatches(Batches):
    """The batches of `Batches`, encoded; a mirrored picture has codes of its own.  Kept in float16, which is finer than their noise."""

    def __init__(self, dataset: Dataset, options: Options, device: torch.device, encode: Callable[[Tensor], Tensor]):
        super().__init__(dataset, options.batch, Augmentation.of(options), options.seed, device)
        self.encode = encode
        self.sides = [self._encoded(mirrored) for mirrored in ([False, True] if options.flip else [False])]

    def draw(self, index: int, rng: Generator) -> CodeBatch:
        which = self._which(index * self.size)
        codes = self.sides[0].index_select(0, which)
        if len(self.sides) > 1:
            mirrored = torch.rand(len(which), generator=rng, device=which.device) < 0.5
            codes = torch.where(mirrored[:, None, None, None], self.sides[1].index_select(0, which), codes)
        return CodeBatch(codes.float(), None if self.labels is None else self.labels.index_select(0, which))

    def _encoded(self, mirrored: bool) -> Tensor:
        parts = (as_float(part.permute(0, 3, 1, 2)) for part in self.x.split(CHUNK))
        return torch.cat([self.encode(x.flip(3) if mirrored else x) for x in parts]).half()


def can_be_kept(options: Options) -> bool:
    """Whether every picture is only ever seen as it is or mirrored."""
    return Augmentation.of(options) in (Augmentation(), Augmentation(flip=True))

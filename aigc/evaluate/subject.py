"""The model that is examined, its samples and the real data beside them: each made once, when a part first asks for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from aigc.data.load import Dataset
from aigc.evaluate.features import Extractor
from aigc.evaluate.real import is_kept, read_real
from aigc.evaluate.report import Figure, Series
from aigc.registry.sampling import pieces
from aigc.techniques.base import Technique
from aigc.words import Words, both

SAYING = 1.0  # seconds between two words on how many samples there are
SAMPLES = both("{done} of {n} samples", "{done} / {n} 个样本")
READING = both("Reading {n} real pictures; they are kept for the next time", "正在读取 {n} 张真实图像；结果会保留，下次无需重算")


@dataclass(frozen=True)
class Picture:
    """A picture of a report, as pairs of rows: a sample, then what it is shown beside.  (rows, columns, C, H, W) uint8"""

    name: str
    rows: Tensor


@dataclass(frozen=True)
class Note:
    """Something that was left out, and why."""

    words: Words


Found = Words | Figure | tuple[str, Series] | Picture | Note  # what a part of an evaluation yields; Words are progress


@dataclass
class Subject:
    model: Technique
    data: Dataset
    n: int
    seed: int
    seen: Extractor | None = None
    how: dict[str, Any] = field(default_factory=dict)  # sampling keywords
    slug: str = ""  # of the model, where it is kept

    samples: Tensor = field(init=False)  # (n, C, H, W) uint8 as files hold them, or (n, 2); after `draw`
    asked: Tensor | None = field(init=False, default=None)  # (n,) the classes asked for

    def rng(self, salt: int = 0) -> Generator:
        """On the CPU; other than that of the samples."""
        return Generator().manual_seed(self.seed * 1000 + 77 + salt)

    def draw(self) -> Iterator[Words]:
        """Makes the samples, the same that `python -m aigc sample` makes with this seed."""
        if "samples" in self.__dict__:
            return
        said = time.monotonic()
        made: list[Tensor] = []
        asked: list[Tensor] = []
        for x, labels in pieces(self.model, self.n, self.seed, how=self.how):
            made.append(x if self.data.spec.is_points else as_bytes(x))
            asked += [labels] if labels is not None else []
            if time.monotonic() - said >= SAYING:
                said = time.monotonic()
                yield SAMPLES.fill(done=f"{sum(map(len, made)):,}", n=f"{self.n:,}")
        self.samples, self.asked = torch.cat(made), torch.cat(asked) if asked else None

    def prepare(self) -> Iterator[Words]:
        """Says what will take a while before the features of the real pictures are asked for."""
        if self.seen and not is_kept(self.seen, self.data.x):
            yield READING.fill(n=f"{len(self.data.x):,}")

    @property
    def extractor(self) -> Extractor:
        assert self.seen is not None, "only parts that need features ask for them"
        return self.seen

    @cached_property
    def read(self) -> tuple[Tensor, Tensor]:
        """Features and logits of the samples."""
        return self.extractor.read(self.samples)

    @cached_property
    def real(self) -> tuple[Tensor, Tensor]:
        """Features and logits of the training pictures."""
        return read_real(self.extractor, self.data.x)

    @cached_property
    def test(self) -> tuple[Tensor, Tensor]:
        """Features and logits of the test pictures."""
        return read_real(self.extractor, self.data.test_x)

    def some_real(self, n: int) -> Tensor:
        """Places of n training examples, the same every time.  -> (at most n,)"""
        return torch.randperm(len(self.data), generator=Generator().manual_seed(2026))[:n]

    def some_test(self, n: int) -> Tensor:
        """Places of n test examples in order, the same every time, from all over a file that need not be shuffled.  -> (at most n,)"""
        return torch.randperm(len(self.data.test_x), generator=Generator().manual_seed(2026))[:n].sort().values


def as_bytes(x: Tensor) -> Tensor:
    """[0, 1] -> 0..255 rounded, as files hold pictures."""
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)

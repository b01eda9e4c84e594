"""Nearest neighbours between two sets of vectors, a block of rows at a time, and the figures that are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 1000  # of a block of distances: 10,000 x 10,000 at once would be 400 MB
BLOCKS, BLOCK = 10, 500  # that errors are taken from, and samples in each where there are as many


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """(N, F), (M, F) -> (N, M)"""
    return (x.square().sum(1)[:, None] + y.square().sum(1)[None] - 2 * x @ y.T).clamp_(min=0)


def nearest(x: Tensor, y: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The k nearest rows of y to every row of x: squared distances and places, nearest first.  -> (N, k), (N, k)"""
    found = [squared_distances(part, y).topk(k, largest=False) for part in x.split(ROWS)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def radii(x: Tensor, k: int) -> Tensor:
    """Squared distance of every row of x to its k-th nearest other row.  (N, F) -> (N,)"""
    return nearest(x, x, min(k + 1, len(x)))[0][:, -1]


@dataclass(frozen=True)
class Closeness:
    """What precision, recall, density and coverage are the means of."""

    in_real: Tensor  # (N,) bool: the sample lies within reach of some real example
    in_samples: Tensor  # (M,) bool: the real example lies within reach of some sample
    balls: Tensor  # (N,) how many balls of real examples hold the sample, over k
    covered: Tensor  # (M,) bool: the ball of the real example holds some sample


def closeness(real: Tensor, samples: Tensor, k: int = 3, k_coverage: int = 5) -> Closeness:
    """Real (M, F) and made (N, F) features side by side.  Precision and recall with the k-th neighbour: Kynkäänniemi et al. 2019, eq. 1;
    density and coverage with the k_coverage-th: Naeem et al. 2020, eq. 3 and 5."""
    reach, made_reach, ball = radii(real, k), radii(samples, k), radii(real, k_coverage)
    in_real, balls = [], []
    in_samples = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for part, part_reach in zip(samples.split(ROWS), made_reach.split(ROWS), strict=True):
        apart = squared_distances(part, real)
        in_real.append((apart <= reach).any(1))
        inside = apart <= ball
        balls.append(inside.sum(1) / k_coverage)
        covered |= inside.any(0)
        in_samples |= (apart <= part_reach[:, None]).any(0)
    return Closeness(torch.cat(in_real), in_samples, torch.cat(balls), covered)


def reference_errors(real: Tensor, samples: Tensor, classes: Tensor | None = None) -> tuple[float, float]:
    """Standard errors of recall and coverage, had other samples been drawn beside the same real examples.

    They are means over real examples, which one sample decides for many at once, so that these tell nothing of it.  Both sets are cut into
    blocks, of every class (N,) as many samples in each: how much the figures vary from block to block of samples beside one block of real
    examples, where the neighbours stand to each other as they do in the whole.
    """
    rng = torch.Generator().manual_seed(2026)
    blocks = max(2, min(BLOCKS, min(len(samples), len(real)) // BLOCK))
    variances = []
    for _ in range(-(-BLOCKS // blocks)):  # fewer blocks are cut anew until there were enough
        beside = [part for places in cut(len(samples), blocks, rng, classes) if len(part := samples[places])]
        for places in cut(len(real), blocks, rng):
            found = [closeness(real[places], part) for part in beside]
            both = torch.stack([torch.stack([c.in_samples, c.covered]).double().mean(1) for c in found])
            variances.append(both.var(0) / blocks)
    recall, coverage = torch.stack(variances).mean(0).sqrt().tolist()
    return recall, coverage


def cut(n: int, blocks: int, rng: torch.Generator, classes: Tensor | None = None) -> list[Tensor]:
    """Places of n examples by chance in so many blocks, every class (n,) in each."""
    order = torch.randperm(n, generator=rng)
    if classes is not None:
        order = order[classes[order].argsort(stable=True)]
    return [order[i::blocks] for i in range(blocks)]


def mean_and_error(values: Tensor, classes: Tensor | None = None) -> tuple[float, float]:
    """The mean, and its standard error over other draws, as many of every class (N,) as here: what tells classes apart does not vary."""
    values = values.double()
    own = values.mean() if classes is None else _class_means(values, classes)[classes]
    return float(values.mean()), float(((values - own).square().mean() / len(values)).sqrt())


def _class_means(values: Tensor, classes: Tensor) -> Tensor:
    counts = classes.bincount()
    return torch.zeros(len(counts)).double().index_add_(0, classes, values) / counts.clamp(min=1)

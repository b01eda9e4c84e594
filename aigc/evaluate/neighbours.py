"""Nearest neighbours between two sets of vectors, a block of rows at a time, and the figures that are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

ROWS = 1000  # of a block of distances: 10,000 x 10,000 at once would be 400 MB


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


def mean_and_error(values: Tensor) -> tuple[float, float]:
    """The mean, and its standard deviation over bootstrap resamples, which is known in closed form."""
    values = values.double()
    return float(values.mean()), float(values.std(correction=0) / len(values) ** 0.5)

"""Distances between two sets of features, and how surely a classifier reads a set: pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

ROWS = 200  # of a block of kernels: what fits into a processor's cache is twice as quick


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (F,) and covariance (F, F) of features (N, F), in double precision."""
    x = x.double()
    return x.mean(0), x.T.cov()


def frechet(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), the squared 2-Wasserstein distance of two Gaussians.   Heusel et al. 2017, eq. 6

    The root's trace is that of (C1^½ C2 C1^½)^½, which is symmetric: no complex numbers, and singular covariances do no harm.
    """
    values, vectors = torch.linalg.eigh(covariance.double())
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    inner = torch.linalg.eigvalsh(root @ other_covariance.double() @ root).clamp(min=0).sqrt().sum()
    apart = (mean - other_mean).double().square().sum()
    return max(0.0, float(apart + covariance.double().trace() + other_covariance.double().trace() - 2 * inner))


def frechet_error(x: Tensor, mean: Tensor, covariance: Tensor, rng: Generator, resamples: int = 20) -> float:
    """Standard deviation of the Fréchet distance over bootstrap resamples of features (N, F)."""
    values = [frechet(*moments(x[torch.randint(len(x), (len(x),), generator=rng)]), mean, covariance) for _ in range(resamples)]
    return float(torch.tensor(values).std())


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy under `kernel`.  (N, F), (M, F) -> float   Bińkowski et al. 2018, eq. 4"""
    return float(_kernel_distances(x, y, torch.ones(len(x), 1)))


def kernel_distance_and_error(x: Tensor, y: Tensor, rng: Generator, resamples: int = 100) -> tuple[float, float]:
    """The same with its standard deviation over bootstrap resamples of x, which is too large rather than too small where x and y are alike."""
    drawn = [torch.randint(len(x), (len(x),), generator=rng).bincount(minlength=len(x)) for _ in range(resamples)]
    value, *others = _kernel_distances(x, y, torch.stack([torch.ones(len(x)), *drawn], 1)).tolist()
    return value, float(torch.tensor(others).std())


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x·y / F + 1)³.  (N, F), (M, F) -> (N, M)"""
    k = (x @ y.T).div_(x.shape[1]).add_(1)
    return k * k * k


def _kernel_distances(x: Tensor, y: Tensor, counts: Tensor) -> Tensor:
    """The distance from y of each of R samples that hold row i of x `counts[i]` times.  (N, F), (M, F), (N, R) -> (R,)"""
    x, y, counts = x.double(), y.double(), counts.double()
    across = torch.cat([kernel(rows, y).mean(1) for rows in x.split(ROWS)])
    return _kernel_within(x, counts) + _kernel_within(y, torch.ones_like(y[:, :1])) - 2 * across @ counts / counts.sum(0)


def _kernel_within(x: Tensor, counts: Tensor) -> Tensor:
    """The mean over pairs of different rows.  (N, F), (N, R) -> (R,)"""
    pairs = torch.zeros_like(counts[0])
    for start in range(0, len(x), ROWS):  # a block of rows with those below it, which count twice
        n, k = counts[start : start + ROWS], kernel(x[start : start + ROWS], x[start:])
        pairs += (n * (2 * (k @ counts[start:]) - k[:, : len(n)] @ n)).sum(0)
    alone = (x.square().sum(1) / x.shape[1] + 1) ** 3  # a row with itself
    return (pairs - alone @ counts.square()) / (counts.sum(0).square() - counts.square().sum(0))


def inception_score(logits: Tensor) -> float:
    """exp E KL(p(y|x) || p(y)): between 1 and the number of classes.  (N, K) -> float   Salimans et al. 2016, s. 4"""
    log_p = logits.double().log_softmax(1)
    marginal = log_p.exp().mean(0).clamp(min=1e-300).log()
    return float((log_p.exp() * (log_p - marginal)).sum(1).mean().exp())


def inception_score_error(logits: Tensor, rng: Generator, resamples: int = 20) -> float:
    """Standard deviation over bootstrap resamples."""
    values = [inception_score(logits[torch.randint(len(logits), (len(logits),), generator=rng)]) for _ in range(resamples)]
    return float(torch.tensor(values).std())

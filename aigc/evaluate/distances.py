"""Distances between two sets of features, and how surely a classifier reads a set: pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


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
    """Unbiased squared maximum mean discrepancy under the kernel (x·y / F + 1)³.  (N, F), (M, F) -> float   Bińkowski et al. 2018, eq. 4"""
    x, y = x.double(), y.double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        k = kernel(a, a)
        return (k.sum() - k.trace()) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())


def kernel_distance_in_blocks(x: Tensor, y: Tensor, rng: Generator, size: int = 1000) -> tuple[float, float]:
    """The mean over blocks that share no example, each of at most `size` examples a side, and the standard error of that mean."""
    n = min(len(x), len(y))
    blocks = max(4, n // size)
    x, y = x[torch.randperm(len(x), generator=rng)[:n]], y[torch.randperm(len(y), generator=rng)[:n]]
    values = torch.tensor([kernel_distance(a, b) for a, b in zip(x.tensor_split(blocks), y.tensor_split(blocks), strict=True)])
    return float(values.mean()), float(values.std() / blocks**0.5)


def inception_score(logits: Tensor) -> float:
    """exp E KL(p(y|x) || p(y)): between 1 and the number of classes.  (N, K) -> float   Salimans et al. 2016, s. 4"""
    log_p = logits.double().log_softmax(1)
    marginal = log_p.exp().mean(0).clamp(min=1e-300).log()
    return float((log_p.exp() * (log_p - marginal)).sum(1).mean().exp())


def inception_score_error(logits: Tensor, rng: Generator, resamples: int = 20) -> float:
    """Standard deviation over bootstrap resamples."""
    values = [inception_score(logits[torch.randint(len(logits), (len(logits),), generator=rng)]) for _ in range(resamples)]
    return float(torch.tensor(values).std())

"""Distances between two sets of features, and how surely a classifier reads a set: pure functions of tensors.

Errors are what a value would vary by, had other samples been drawn and beside the same real ones, by the jackknife: it is counted again
with a group of samples left out, each group in turn.  A bootstrap would draw samples twice, which moves a Fréchet distance by itself, and
would draw the classes anew, whose numbers are fixed where they are asked for.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS = 200  # of a block of kernels: what fits into a processor's cache is twice as quick
GROUPS = 25  # that are left out in turn


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


def left_out(n: int, classes: Tensor | None = None, groups: int = GROUPS) -> Tensor:
    """Weights of n rows with a group of them left out, each group in turn; every class (n,) keeps its share.  -> (groups, n), rows add up to 1"""
    groups = min(groups, n)
    classes = torch.zeros(n, dtype=torch.int64) if classes is None else classes
    group = torch.empty(n, dtype=torch.int64)
    group[classes.argsort(stable=True)] = torch.arange(n) % groups  # as many of every class in each
    kept = (group != torch.arange(groups)[:, None]).double()
    counts = classes.bincount()
    left = torch.zeros(groups, len(counts)).double().index_add_(1, classes, kept)
    weights = kept * (counts / left.clamp(min=1))[:, classes]
    return weights / weights.sum(1, keepdim=True)


def jackknife_error(values: Tensor) -> Tensor:
    """Standard error of what has been counted with each of G groups left out.  (G, ...) -> (...)   Shao & Wu 1989, eq. 2.2"""
    values = values.double()
    return ((len(values) - 1) * values.var(0, correction=0)).sqrt()


def frechet_error(x: Tensor, mean: Tensor, covariance: Tensor, classes: Tensor | None = None) -> float:
    """Standard error of the Fréchet distance of features (N, F), of which as many of every class (N,) were asked for as there are.

    Too large by up to a half, never too small, where the distance is hardly above its floor.
    """
    x, values = x.double(), []
    for weights in left_out(len(x), classes):
        own = weights @ x
        kept = int(weights.count_nonzero())
        values.append(frechet(own, ((x.T * weights) @ x - own.outer(own)) * kept / max(1, kept - 1), mean, covariance))
    return float(jackknife_error(torch.tensor(values)))


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy under `kernel`.  (N, F), (M, F) -> float   Bińkowski et al. 2018, eq. 4"""
    return float(_kernel_distances(x, y, torch.ones(len(x), 1)))


def kernel_distance_and_error(x: Tensor, y: Tensor, classes: Tensor | None = None) -> tuple[float, float]:
    """The same with its standard error, of samples x of which as many of every class (N,) were asked for as there are."""
    value, *others = _kernel_distances(x, y, torch.cat([torch.ones(1, len(x)).double(), left_out(len(x), classes)]).T).tolist()
    return value, float(jackknife_error(torch.tensor(others)))


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x·y / F + 1)³.  (N, F), (M, F) -> (N, M)"""
    k = (x @ y.T).div_(x.shape[1]).add_(1)
    return k * k * k


def _kernel_distances(x: Tensor, y: Tensor, counts: Tensor) -> Tensor:
    """The distance from y of each of R samples in which row i of x counts `counts[i]` times.  (N, F), (M, F), (N, R) -> (R,)"""
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


def inception_score_error(logits: Tensor, classes: Tensor | None = None) -> float:
    """Its standard error, of samples of which as many of every class (N,) were asked for as there are."""
    log_p, weights = logits.double().log_softmax(1), left_out(len(logits), classes)
    p = log_p.exp()
    marginal = weights @ p
    entropy = (marginal * marginal.clamp(min=1e-300).log()).sum(1)
    return float(jackknife_error((weights @ (p * log_p).sum(1) - entropy).exp()))

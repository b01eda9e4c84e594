"""Distances between sets of features, against closed forms and straightforward dense ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Generator, Tensor

from aigc.evaluate.distances import (
    frechet,
    frechet_error,
    inception_score,
    inception_score_error,
    kernel_distance,
    kernel_distance_and_error,
    moments,
)
from aigc.evaluate.neighbours import ROWS, closeness, mean_and_error, nearest, radii, squared_distances

RNG = 5


def normal(n: int, size: int = 6, seed: int = RNG) -> Tensor:
    return torch.randn(n, size, generator=Generator().manual_seed(seed), dtype=torch.float64)


def covariance(size: int, seed: int) -> Tensor:
    root = normal(size, size, seed)
    return root @ root.T / size


# Fréchet


def test_the_distance_of_two_gaussians_is_the_closed_form() -> None:
    a, b = covariance(6, 1), covariance(6, 2)
    m, o = normal(1, seed=3)[0], normal(1, seed=4)[0]
    root = sqrtm(a.numpy() @ b.numpy()).real
    expected = float((m - o).square().sum()) + np.trace(a.numpy() + b.numpy() - 2 * root)
    assert frechet(m, a, o, b) == pytest.approx(expected, rel=1e-9)


def test_of_gaussians_along_the_axes_it_is_known_by_hand() -> None:
    a, b = torch.tensor([1.0, 4.0, 9.0]).double(), torch.tensor([4.0, 1.0, 9.0]).double()
    m, o = torch.zeros(3).double(), torch.tensor([3.0, 0.0, 4.0]).double()
    assert frechet(m, a.diag(), o, b.diag()) == pytest.approx(25 + float((a.sqrt() - b.sqrt()).square().sum()))


def test_singular_covariances_do_no_harm() -> None:
    flat = torch.diag(torch.tensor([1.0, 0.0, 0.0])).double()
    assert frechet(torch.zeros(3), flat, torch.zeros(3), flat) == pytest.approx(0.0, abs=1e-12)
    few = normal(4, 10)  # fewer examples than features
    assert math.isfinite(frechet(*moments(few), *moments(normal(100, 10))))


def test_it_is_that_of_scipy_on_features_and_symmetric() -> None:
    x, y = normal(500), 1.5 * normal(400, seed=8) + 0.3
    ours = frechet(*moments(x), *moments(y))
    root = sqrtm(np.cov(x.numpy().T) @ np.cov(y.numpy().T)).real
    theirs = np.square(x.numpy().mean(0) - y.numpy().mean(0)).sum() + np.trace(np.cov(x.numpy().T) + np.cov(y.numpy().T) - 2 * root)
    assert ours == pytest.approx(theirs, rel=1e-8) and ours == pytest.approx(frechet(*moments(y), *moments(x)), rel=1e-8)


def test_its_error_is_that_of_repeated_draws() -> None:
    reference = moments(normal(50_000, 3))
    draws = torch.tensor([frechet(*moments(normal(400, 3, seed) + 0.5), *reference) for seed in range(100, 160)])
    told = frechet_error(normal(400, 3, 99) + 0.5, *reference, Generator().manual_seed(0), resamples=60)
    assert told == pytest.approx(float(draws.std()), rel=0.4)


# kernel


def test_the_kernel_distance_is_the_double_sum() -> None:
    x, y = normal(20, 4), normal(15, 4, 9) + 0.4

    def k(a: Tensor, b: Tensor) -> float:
        return float((a @ b / 4 + 1) ** 3)

    within_x = sum(k(x[i], x[j]) for i in range(20) for j in range(20) if i != j) / (20 * 19)
    within_y = sum(k(y[i], y[j]) for i in range(15) for j in range(15) if i != j) / (15 * 14)
    across = sum(k(a, b) for a in x for b in y) / (20 * 15)
    assert kernel_distance(x, y) == pytest.approx(within_x + within_y - 2 * across, rel=1e-9)


def test_the_kernel_distance_is_unbiased() -> None:
    values = torch.tensor([kernel_distance(normal(60, 4, s), normal(60, 4, 1000 + s)) for s in range(200)])
    assert abs(float(values.mean())) < 3 * float(values.std()) / 200**0.5
    assert (values < 0).any()


def test_the_kernel_distance_is_of_the_whole_and_tells_how_much_samples_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    y, rng = 1.3 * normal(2000, 4, 9), Generator().manual_seed(0)
    found = [kernel_distance_and_error(normal(200, 4, s), y, rng) for s in range(60)]
    values, errors = torch.tensor(found).T
    assert float(errors.mean()) == pytest.approx(float(values.std()), rel=0.3)
    assert float(values.mean()) == pytest.approx(kernel_distance(normal(4000, 4, 99), y), rel=0.1)
    whole = kernel_distance_and_error(normal(200, 4), y, Generator().manual_seed(1))
    assert whole[0] == pytest.approx(kernel_distance(normal(200, 4), y), rel=1e-12)
    monkeypatch.setattr("aigc.evaluate.distances.ROWS", 7)  # blocks that do not divide the rows
    assert kernel_distance_and_error(normal(200, 4), y, Generator().manual_seed(1)) == pytest.approx(whole, rel=1e-9)


# scores


def test_the_score_is_the_number_of_classes_at_best_and_one_at_worst() -> None:
    sure = 1000 * torch.eye(7).repeat(10, 1)
    assert inception_score(sure) == pytest.approx(7.0)
    assert inception_score(torch.zeros(50, 7)) == pytest.approx(1.0)
    assert inception_score(sure[:1].repeat(50, 1)) == pytest.approx(1.0)  # sure, but always of the same
    assert inception_score_error(sure, Generator().manual_seed(0)) > 0


# neighbours


def dense(real: Tensor, made: Tensor, k: int, k_coverage: int) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage as their papers have them, a pair at a time."""
    rr, mm, mr = torch.cdist(real, real), torch.cdist(made, made), torch.cdist(made, real)
    reach, made_reach, ball = rr.sort(1).values[:, k], mm.sort(1).values[:, k], rr.sort(1).values[:, k_coverage]
    precision = sum(any(mr[i, j] <= reach[j] for j in range(len(real))) for i in range(len(made))) / len(made)
    recall = sum(any(mr[i, j] <= made_reach[i] for i in range(len(made))) for j in range(len(real))) / len(real)
    density = sum(float(mr[i, j] <= ball[j]) for i in range(len(made)) for j in range(len(real))) / (k_coverage * len(made))
    coverage = sum(any(mr[i, j] <= ball[j] for i in range(len(made))) for j in range(len(real))) / len(real)
    return precision, recall, density, coverage


def four(real: Tensor, made: Tensor, k: int = 3, k_coverage: int = 5) -> tuple[float, ...]:
    found = closeness(real, made, k, k_coverage)
    return tuple(mean_and_error(v)[0] for v in (found.in_real, found.in_samples, found.balls, found.covered))


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (1.0, 1.0), (0.0, 0.3), (0.5, 2.0)])
def test_the_four_figures_are_those_of_a_dense_reading(shift: float, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aigc.evaluate.neighbours.ROWS", 7)  # blocks that do not divide the rows
    real, made = normal(45, 3), spread * normal(38, 3, 9) + shift
    assert four(real, made) == pytest.approx(dense(real, made, 3, 5))


def test_identical_sets_are_whole_and_disjoint_ones_share_nothing() -> None:
    x = normal(200)
    assert four(x, x)[0] == four(x, x)[1] == four(x, x)[3] == 1.0
    assert four(x, x + 100) == (0.0, 0.0, 0.0, 0.0)


def test_one_mode_of_two_is_precise_and_half_recalled() -> None:
    real = torch.cat([normal(200, 3), normal(200, 3, 6) + 50])
    precision, recall, _, coverage = four(real, normal(300, 3, 9))
    assert precision > 0.8 and recall < 0.55 and coverage < 0.55


def test_coverage_of_as_many_real_examples_is_what_chance_gives() -> None:
    """1 - 2^-k for as many examples of both   Naeem et al. 2020, eq. 11"""
    found = closeness(normal(1000, 8), normal(1000, 8, 9))
    value, error = mean_and_error(found.covered)
    assert value == pytest.approx(1 - 0.5**5, abs=0.025) and error < 0.01


def test_the_nearest_are_found_in_blocks() -> None:
    x, y = normal(2 * ROWS + 3, 2), normal(50, 2, 9)
    apart, places = nearest(x, y, 4)
    exact = torch.cdist(x, y).square().topk(4, largest=False)
    assert torch.equal(places, exact.indices) and torch.allclose(apart, exact.values)
    assert torch.allclose(radii(y, 2), torch.cdist(y, y).square().sort(1).values[:, 2], atol=1e-9)
    assert float(squared_distances(x, x).diagonal().abs().max()) < 1e-9


def test_torchmetrics_agrees_where_it_is_installed() -> None:
    kid = pytest.importorskip("torchmetrics.image.kid")
    x, y = normal(300, 5).float(), (1.3 * normal(300, 5, 9)).float()
    assert kernel_distance(x, y) == pytest.approx(float(kid.poly_mmd(x, y)), rel=1e-3)
    fid = pytest.importorskip("torchmetrics.image.fid")
    (m, a), (o, b) = moments(x), moments(y)
    assert frechet(m, a, o, b) == pytest.approx(float(fid._compute_fid(m, a, o, b)), rel=1e-4)

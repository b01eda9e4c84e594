"""Distances between sets of features, against closed forms and straightforward dense ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

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
    left_out,
    moments,
)
from aigc.evaluate.neighbours import ROWS, closeness, mean_and_error, nearest, radii, reference_errors, squared_distances

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
    told = frechet_error(normal(400, 3, 99) + 0.5, *reference)
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
    y = 1.3 * normal(2000, 4, 9)
    found = [kernel_distance_and_error(normal(200, 4, s), y) for s in range(60)]
    values, errors = torch.tensor(found).T
    assert float(errors.mean()) == pytest.approx(float(values.std()), rel=0.3)
    assert float(values.mean()) == pytest.approx(kernel_distance(normal(4000, 4, 99), y), rel=0.1)
    whole = kernel_distance_and_error(normal(200, 4), y)
    assert whole[0] == pytest.approx(kernel_distance(normal(200, 4), y), rel=1e-12)
    monkeypatch.setattr("aigc.evaluate.distances.ROWS", 7)  # blocks that do not divide the rows
    assert kernel_distance_and_error(normal(200, 4), y) == pytest.approx(whole, rel=1e-9)


# scores


def test_the_score_is_the_number_of_classes_at_best_and_one_at_worst() -> None:
    sure = 1000 * torch.eye(7).repeat(10, 1)
    assert inception_score(sure) == pytest.approx(7.0)
    assert inception_score(torch.zeros(50, 7)) == pytest.approx(1.0)
    assert inception_score(sure[:1].repeat(50, 1)) == pytest.approx(1.0)  # sure, but always of the same
    assert inception_score_error(sure) > 0


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


# errors: what is told beside what many sets of samples really vary by


CENTRES = normal(10, 12, 1)
ROOTS = normal(120, 12, 2).view(10, 12, 12) / 4


def mixture(n: int, seed: int, asked: bool = False, shift: float = 0.0) -> tuple[Tensor, Tensor]:
    """Samples of ten Gaussians and their classes, which come in turn where they are asked for and by chance where not.  -> (n, 12), (n,)"""
    rng = Generator().manual_seed(seed)
    classes = torch.arange(n) % 10 if asked else torch.randint(10, (n,), generator=rng)
    apart = torch.randn(n, 12, generator=rng, dtype=torch.float64)
    return CENTRES[classes] + torch.einsum("nf,nfg->ng", apart, ROOTS[classes]) + shift, classes


SETS, TOLD, SIZE = 100, 8, 400
REAL = mixture(6000, 1_000_000)[0]


def logits(x: Tensor) -> Tensor:
    return -torch.cdist(x, CENTRES)


def of_fid(x: Tensor) -> float:
    return frechet(*moments(x), *moments(REAL))


def of_share(x: Tensor) -> float:
    return float((logits(x).argmax(1) == 3).double().mean())


def of_beside(key: str) -> Callable[[Tensor], float]:
    return lambda x: float(getattr(closeness(REAL[:SIZE], x), key).double().mean())


def told_of_beside(key: str) -> Callable[[Tensor, Tensor | None], float]:
    return lambda x, classes: mean_and_error(getattr(closeness(REAL[:SIZE], x), key), classes)[1]


ERRORS: dict[str, tuple[Callable[[Tensor], float], Callable[[Tensor, Tensor | None], float]]] = {
    "fid": (of_fid, lambda x, classes: frechet_error(x, *moments(REAL), classes)),
    "kid": (lambda x: kernel_distance(x, REAL[:1000]), lambda x, classes: kernel_distance_and_error(x, REAL[:1000], classes)[1]),
    "score": (lambda x: inception_score(logits(x)), lambda x, classes: inception_score_error(logits(x), classes)),
    "share": (of_share, lambda x, classes: mean_and_error(logits(x).argmax(1) == 3, classes)[1]),
    "precision": (of_beside("in_real"), told_of_beside("in_real")),
    "density": (of_beside("balls"), told_of_beside("balls")),
    "recall": (of_beside("in_samples"), lambda x, classes: reference_errors(REAL[:SIZE], x, classes)[0]),
    "coverage": (of_beside("covered"), lambda x, classes: reference_errors(REAL[:SIZE], x, classes)[1]),
}


def error_over_truth(measure: Callable[[Tensor], float], error_of: Callable[[Tensor], float], sets: Callable[[int], Tensor]) -> float:
    values = torch.tensor([measure(sets(seed)) for seed in range(SETS)])
    return sum(error_of(sets(seed)) for seed in range(SETS, SETS + TOLD)) / TOLD / float(values.std())


@pytest.mark.parametrize("asked", [True, False], ids=["classes-asked-for", "classes-by-chance"])
@pytest.mark.parametrize("key", ERRORS)
def test_an_error_is_what_many_sets_of_samples_vary_by(key: str, asked: bool) -> None:
    measure, error_of = ERRORS[key]
    classes = mixture(SIZE, 0, asked=True)[1] if asked else None
    ratio = error_over_truth(measure, lambda x: error_of(x, classes), lambda seed: mixture(SIZE, seed, asked, shift=0.3)[0])
    assert 1 / 1.3 < ratio < 1.3


def test_at_the_floor_the_error_of_a_frechet_distance_is_rather_too_large() -> None:
    ratio = error_over_truth(of_fid, lambda x: frechet_error(x, *moments(REAL)), lambda seed: mixture(SIZE, seed)[0])
    asked = error_over_truth(of_fid, lambda x: frechet_error(x, *moments(REAL), torch.arange(SIZE) % 10), lambda seed: mixture(SIZE, seed, True)[0])
    assert 1 < ratio < 1.5 and 1 < asked < 1.5


@pytest.mark.parametrize(("which", "key"), [(0, "in_samples"), (1, "covered")], ids=["recall", "coverage"])
def test_one_sample_decides_for_many_real_examples_and_errors_know(which: int, key: str) -> None:
    real = normal(SIZE, 2, 1_000_000)  # in two dimensions neighbours are shared most

    def measure(x: Tensor) -> float:
        return float(getattr(closeness(real, x), key).double().mean())

    ratio = error_over_truth(measure, lambda x: reference_errors(real, x)[which], lambda seed: 0.8 * normal(SIZE, 2, seed))
    assert 1 / 1.3 < ratio < 1.3


def test_every_class_keeps_its_share_where_a_group_is_left_out() -> None:
    classes = torch.tensor([0] * 50 + [1] * 33 + [2] * 7 + [3])
    weights = left_out(len(classes), classes, 10)
    assert weights.shape == (10, 91) and weights.min() == 0 and ((weights == 0).sum(0) == 1).all()
    for k, share in ((0, 50), (1, 33), (2, 7)):
        assert weights[:-1, classes == k].sum(1).mean() == pytest.approx(share / 91, abs=0.002)
    assert torch.allclose(weights.sum(1), torch.ones(10).double())


def test_the_errors_of_ten_thousand_samples_take_a_moment() -> None:
    x, classes = torch.randn(10_000, 64, generator=Generator().manual_seed(0)), torch.arange(10_000) % 10
    began = time.process_time()
    assert frechet_error(x, *moments(x[:5000]), classes) > 0
    assert time.process_time() - began < 15

"""Bounds on likelihoods, against models whose likelihood is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal, Normal

from aigc.maths.bounds import Denoise, importance_weighted_bound, variational_bound
from aigc.maths.noise_paths import cosine_alpha_bar, linear_alpha_bar, straight, variance_preserving, zero_terminal_snr

WEIGHT, SIGMA = torch.tensor([[1.0, 0.5], [-0.3, 0.8], [0.2, 1.1]]), 0.7  # x = W z + sigma e, z of two numbers, x of three


def linear_gaussian(n: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x (n, 3), log p(x) (n,), and the mean (n, 2) and covariance (2, 2) of p(z | x)."""
    rng = Generator().manual_seed(1)
    x = torch.randn(n, 2, generator=rng) @ WEIGHT.T + SIGMA * torch.randn(n, 3, generator=rng)
    marginal = MultivariateNormal(torch.zeros(3), WEIGHT @ WEIGHT.T + SIGMA**2 * torch.eye(3))
    spread = torch.linalg.inv(torch.eye(2) + WEIGHT.T @ WEIGHT / SIGMA**2)
    return x, marginal.log_prob(x), x @ WEIGHT @ spread.T / SIGMA**2, spread


def decoder(x: Tensor, z: Tensor) -> Tensor:
    return Normal(z @ WEIGHT.T, SIGMA).log_prob(x).sum(-1)


def test_the_weighted_bound_reaches_the_marginal_likelihood() -> None:
    x, exact, mean, spread = linear_gaussian(100)
    logvar = spread.diagonal().log().expand(100, 2)  # not the true posterior, whose numbers hang together
    rng = Generator().manual_seed(0)
    bounds = {k: importance_weighted_bound(mean, logvar, lambda z: decoder(x, z), k, rng).mean() for k in (1, 10, 500)}
    assert bounds[1] < bounds[10] < bounds[500]
    assert float(bounds[500]) == pytest.approx(float(exact.mean()), abs=0.01)


def test_with_one_sample_it_is_the_evidence_lower_bound() -> None:
    x, _, mean, spread = linear_gaussian(2000)
    logvar = (1.5 * spread.diagonal()).log().expand(2000, 2)
    one = importance_weighted_bound(mean, logvar, lambda z: decoder(x, z), 1, Generator().manual_seed(0)).mean()
    error = (x - mean @ WEIGHT.T).square().sum(1) + (WEIGHT.square() @ logvar[0].exp()).sum()
    recon = -0.5 * error / SIGMA**2 - 3 * math.log(SIGMA) - 1.5 * math.log(2 * math.pi)
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(1)
    assert float(one) == pytest.approx(float((recon - kl).mean()), abs=0.1)


def test_an_exact_posterior_leaves_no_gap() -> None:
    x = torch.randn(50, 1, generator=Generator().manual_seed(2))  # z ~ N(0, 1), x = z + e
    exact = Normal(0, math.sqrt(2)).log_prob(x).sum(1)
    bound = importance_weighted_bound(x / 2, torch.full((50, 1), math.log(0.5)), lambda z: Normal(z, 1.0).log_prob(x).sum(-1), 7, Generator())
    assert torch.allclose(bound, exact, atol=1e-5)


PATHS = {
    "straight": straight(1000),
    "cosine": variance_preserving(cosine_alpha_bar(1000)),
    "linear": variance_preserving(linear_alpha_bar(1000)),
    "zero-snr": variance_preserving(zero_terminal_snr(linear_alpha_bar(1000))),
}
MEAN, SPREAD = 0.3, 0.4


def best_denoiser() -> Denoise:
    """E[x0 | x_t] of x0 ~ N(MEAN, SPREAD²)."""

    def denoise(x: Tensor, a: float, s: float, time: float) -> Tensor:
        return MEAN + SPREAD**2 * a / (a**2 * SPREAD**2 + s**2) * (x - a * MEAN)

    return denoise


@pytest.mark.parametrize("path", PATHS)
def test_the_best_denoiser_of_a_gaussian_gives_its_entropy(path: str) -> None:
    rates = PATHS[path]
    x = MEAN + SPREAD * torch.randn(4000, 8, generator=Generator().manual_seed(3))
    exact = Normal(MEAN, SPREAD).log_prob(x).sum(1).mean()
    bound = variational_bound(x, best_denoiser(), rates.tolist(), Generator().manual_seed(4), draws=400, greys=False)
    assert float(bound.mean()) == pytest.approx(float(exact), abs=0.12)  # of 8 numbers


@pytest.mark.parametrize("path", PATHS)
def test_a_worse_denoiser_gives_a_lower_bound(path: str) -> None:
    rates = PATHS[path]
    best = best_denoiser()
    x = MEAN + SPREAD * torch.randn(200, 8, generator=Generator().manual_seed(3))
    good, bad = (
        variational_bound(x, d, rates.tolist(), Generator().manual_seed(4), 128, greys=False).mean()
        for d in (best, lambda x, a, s, time: best(x, a, s, time) + 0.02)
    )
    assert bad < good - 0.1


def test_how_finely_the_path_is_cut_does_not_matter() -> None:
    x = MEAN + SPREAD * torch.randn(3000, 4, generator=Generator().manual_seed(3))
    found = [variational_bound(x, best_denoiser(), straight(n).tolist(), Generator().manual_seed(5), 128, greys=False).mean() for n in (10, 1000)]
    assert float(found[0]) == pytest.approx(float(found[1]), abs=0.1)


def test_the_network_is_told_the_time_of_the_noise_it_sees() -> None:
    told: list[tuple[float, float]] = []

    def denoise(x: Tensor, a: float, s: float, time: float) -> Tensor:
        told.append((time, s))
        return torch.zeros_like(x)

    variational_bound(torch.zeros(2, 3), denoise, straight(1000).tolist(), Generator().manual_seed(0), draws=32)
    assert len(told) == 32 and all(time == pytest.approx(s, abs=1e-6) for time, s in told)  # on the straight path they are the same
    assert min(s for _, s in told) < 0.002 and max(s for _, s in told) > 0.99


def test_greys_that_are_read_off_surely_cost_nothing_and_the_rest_what_the_denoiser_cannot_know() -> None:
    rates = straight(1000)
    x = (torch.randint(0, 256, (100, 6), generator=Generator().manual_seed(3)) / 127.5 - 1).float()
    knows = variational_bound(x, lambda *_: x, rates.tolist(), Generator().manual_seed(4), draws=16)
    assert float(knows.mean()) == pytest.approx(0.0, abs=1e-3)  # noise of a thousandth never hides which of 256 it was
    mean_only = variational_bound(x, _of_uniform_greys, rates.tolist(), Generator().manual_seed(4), draws=100)
    assert float(-mean_only.mean()) / 6 / math.log(2) == pytest.approx(8.0, abs=0.15)  # 8 bits for one of 256


def _of_uniform_greys(x: Tensor, a: float, s: float, time: float) -> Tensor:
    greys = torch.linspace(-1, 1, 256).double()
    chance = (-0.5 * ((x.double()[..., None] - a * greys) / s) ** 2).softmax(-1)
    return (chance * greys).sum(-1).float()

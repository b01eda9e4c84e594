"""Bounds on likelihoods, against models whose likelihood is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal, Normal

from aigc.maths.bounds import Denoise, grey_histograms, importance_weighted_bound, variational_bound
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

    def denoise(x: Tensor, a: Tensor, s: Tensor, time: Tensor) -> Tensor:
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


def test_the_network_is_told_the_time_of_the_noise_it_sees_and_every_example_has_levels_of_its_own() -> None:
    told: list[tuple[float, float]] = []

    def denoise(x: Tensor, a: Tensor, s: Tensor, time: Tensor) -> Tensor:
        told.extend(zip(time.tolist(), s.flatten().tolist(), strict=True))
        return torch.zeros_like(x)

    variational_bound(torch.zeros(2, 3), denoise, straight(1000).tolist(), Generator().manual_seed(0), draws=32)
    assert len(set(told)) == 64 and all(time == pytest.approx(s, abs=1e-6) for time, s in told)  # on the straight path they are the same
    assert min(s for _, s in told) < 0.002 and max(s for _, s in told) > 0.99


def test_greys_that_are_read_off_surely_cost_nothing_and_the_rest_what_the_denoiser_cannot_know() -> None:
    rates = straight(1000)
    x = (torch.randint(0, 256, (100, 6), generator=Generator().manual_seed(3)) / 127.5 - 1).float()
    knows = variational_bound(x, lambda *_: x, rates.tolist(), Generator().manual_seed(4), draws=16)
    assert float(knows.mean()) == pytest.approx(0.0, abs=1e-3)  # noise of a thousandth never hides which of 256 it was
    mean_only = variational_bound(x, _of_uniform_greys, rates.tolist(), Generator().manual_seed(4), draws=100)
    assert float(-mean_only.mean()) / 6 / math.log(2) == pytest.approx(8.0, abs=0.15)  # 8 bits for one of 256


SOME = torch.tensor([[0.9, 0.02, 0.05, 0.03], [0.1, 0.6, 0.2, 0.1]])  # chances of four greys in two places
GREYS = torch.tensor([0, 1, 2, 255])


def unlike_greys(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """x (n, 2), log p(x) (n,), and log p of 256 greys in both places (2, 256)."""
    drawn = torch.stack([torch.multinomial(p, n, True, generator=Generator().manual_seed(i)) for i, p in enumerate(SOME)], 1)
    log_prior = torch.full((2, 256), -torch.inf, dtype=torch.float64)
    log_prior[:, GREYS] = SOME.double().log()
    return GREYS[drawn] / 127.5 - 1, SOME.double().log().gather(1, drawn.T).sum(0), log_prior


@pytest.mark.parametrize("noise", [0.005, 0.03, 0.3])
def test_greys_of_unlike_chances_cost_these_wherever_the_walk_ends(noise: float) -> None:
    x, exact, log_prior = unlike_greys(4000)
    at = -2 * math.log(noise)
    bound = variational_bound(x, _of_greys(log_prior), straight(1000).tolist(), Generator().manual_seed(4), 128, sharpest=at, log_prior=log_prior)
    assert float(bound.mean()) == pytest.approx(float(exact.mean()), abs=0.02)


def test_another_prior_or_none_still_gives_a_bound() -> None:
    x, exact, log_prior = unlike_greys(2000)
    other = torch.randn(2, 256, generator=Generator().manual_seed(1)).double().log_softmax(-1)
    for prior in (other, None):
        bound = variational_bound(
            x, _of_greys(log_prior), straight(1000).tolist(), Generator().manual_seed(4), 64, sharpest=-2 * math.log(0.03), log_prior=prior
        )
        assert float(bound.mean()) < float(exact.mean()) - 0.5


def test_what_a_denoiser_does_not_know_of_the_finest_noise_is_no_loss_where_greys_are_read_off_before() -> None:
    x, exact, log_prior = unlike_greys(2000)
    best = _of_greys(log_prior)

    def blind(x: Tensor, a: Tensor, s: Tensor, time: Tensor) -> Tensor:
        return torch.where(s < 0.03 * a, x / a, best(x, a, s, time))

    to_the_end, before = (
        variational_bound(x, blind, straight(1000).tolist(), Generator().manual_seed(4), 128, sharpest=-2 * math.log(at), log_prior=log_prior).mean()
        for at in (0.001, 0.03)
    )
    assert float(before) == pytest.approx(float(exact.mean()), abs=0.03) and to_the_end < before - 2


def test_a_greys_chance_is_its_count_in_its_place_and_none_is_impossible() -> None:
    pictures = torch.tensor([[[[0, 255]]], [[[0, 7]]], [[[9, 7]]]], dtype=torch.uint8)  # three, of one row
    chance = grey_histograms(pictures, own=2.0).exp()
    everywhere = torch.ones(256).double().scatter_add(0, pictures.flatten().long(), torch.ones(6).double()) / (256 + 6)
    assert chance.shape == (2, 256) and torch.allclose(chance.sum(1), torch.ones(2).double()) and chance.min() > 0
    assert torch.allclose(chance[0, [0, 9, 7]], (torch.tensor([2.0, 1.0, 0.0]) + 2 * everywhere[[0, 9, 7]]) / 5)


def _of_greys(log_prior: Tensor) -> Denoise:
    """E[x0 | x_t] of greys in [-1, 1] with these chances, place by place."""
    greys = torch.linspace(-1, 1, 256).double()

    def denoise(x: Tensor, a: Tensor, s: Tensor, time: Tensor) -> Tensor:
        chance = (log_prior - 0.5 * ((x.double()[..., None] - a[..., None] * greys) / s[..., None]) ** 2).softmax(-1)
        return (chance * greys).sum(-1).float()

    return denoise


_of_uniform_greys = _of_greys(torch.zeros(256))

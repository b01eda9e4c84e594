"""Losses and penalties against closed forms, torch.distributions and the gradients one can write down by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from aigc.maths import gan, likelihood

SCORES = torch.linspace(-6, 6, 25)


def test_a_critic_that_knows_nothing_pays_log_four() -> None:
    zero = torch.zeros(3)
    assert torch.allclose(gan.minimax_critic(zero, zero), torch.full((3,), math.log(4)))
    assert torch.allclose(gan.minimax_generator(zero), torch.full((3,), -math.log(2)))
    assert torch.allclose(gan.non_saturating_generator(zero), torch.full((3,), math.log(2)))
    assert torch.allclose(gan.relativistic_critic(zero, zero), torch.full((3,), math.log(2)))
    assert torch.equal(gan.wasserstein_critic(zero, zero), zero)


def test_minimax_equals_the_formula_with_probabilities() -> None:
    real, fake = SCORES, SCORES.flip(0) * 0.7
    d_real, d_fake = torch.sigmoid(real.double()), torch.sigmoid(fake.double())
    assert torch.allclose(gan.minimax_critic(real, fake).double(), -d_real.log() - (1 - d_fake).log(), atol=1e-5)
    assert torch.allclose(gan.minimax_generator(fake).double(), (1 - d_fake).log(), atol=1e-5)
    assert torch.allclose(gan.non_saturating_generator(fake).double(), -d_fake.log(), atol=1e-5)


def test_logits_far_out_stay_finite() -> None:
    far = torch.tensor([-1e4, 1e4])
    for loss in (gan.minimax_critic(far, -far), gan.minimax_generator(far), gan.non_saturating_generator(far), gan.relativistic_critic(far, -far)):
        assert loss.isfinite().all()


@pytest.mark.parametrize(
    ("critic", "best"),
    [
        (gan.minimax_critic, lambda p: torch.logit(p)),  # D = p_real / (p_real + p_fake)
        (gan.least_squares_critic, lambda p: p),  # 0/1 coding: the posterior itself
        (gan.hinge_critic, lambda p: (p > 0.5).double() * 2 - 1),
    ],
)
def test_the_best_critic_is_the_one_that_the_papers_derive(critic, best) -> None:  # type: ignore[no-untyped-def]
    """Where a share p of the examples is real, the score of least expected loss is known; find it on a grid."""
    scores = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    for p in torch.tensor([0.2, 0.4, 0.7], dtype=torch.float64):
        never = torch.full_like(scores, 0.0)
        on_real = critic(scores, never) - critic(never, never)  # all of these losses are a sum over the two sides
        on_fake = critic(never, scores) - critic(never, never)
        found = scores[(p * on_real + (1 - p) * on_fake).argmin()]
        assert abs(found - best(p)) < 2e-3


def test_the_minimax_gradient_dies_where_the_critic_is_sure_and_the_non_saturating_one_does_not() -> None:
    sure = torch.tensor([-8.0], requires_grad=True)
    (dead,) = torch.autograd.grad(gan.minimax_generator(sure).sum(), sure)
    (alive,) = torch.autograd.grad(gan.non_saturating_generator(sure).sum(), sure)
    assert abs(dead) < 1e-3 and abs(alive + 1) < 1e-3


def test_hinge_and_least_squares_rest_at_their_targets() -> None:
    one = torch.ones(2)
    assert gan.hinge_critic(2 * one, -2 * one).sum() == 0 and gan.hinge_critic(0 * one, 0 * one).sum() == 4
    assert gan.least_squares_critic(one, 0 * one).sum() == 0 and gan.least_squares_generator(one).sum() == 0


def test_the_relativistic_game_is_antisymmetric_and_blind_to_a_common_shift() -> None:
    real, fake = SCORES, SCORES.flip(0) * 0.3
    assert torch.equal(gan.relativistic_critic(real, fake), gan.relativistic_generator(real, fake))
    assert torch.allclose(gan.relativistic_critic(real + 3, fake + 3), gan.relativistic_critic(real, fake), atol=1e-5)


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 5, 4)])
def test_penalties_of_a_linear_critic_are_its_exact_slope(shape: tuple[int, ...]) -> None:
    """score = w · x has the gradient w everywhere."""
    x = torch.randn(7, *shape, requires_grad=True)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 1))
    slope = critic[1].weight.detach().norm()
    score = critic(x).squeeze(1)
    assert torch.allclose(gan.squared_gradient(score, x), slope.square().expand(7), rtol=1e-4)
    assert torch.allclose(gan.zero_centred_penalty(score, x), 0.5 * slope.square().expand(7), rtol=1e-4)
    assert torch.allclose(gan.one_centred_penalty(score, x), ((slope - 1) ** 2).expand(7), rtol=1e-3)


def test_penalties_are_each_examples_own_and_can_be_descended() -> None:
    x = torch.tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    power = torch.tensor(1.5, requires_grad=True)
    penalty = gan.zero_centred_penalty((x**2 * power).squeeze(1), x)  # slope 2 power x
    assert torch.allclose(penalty, 0.5 * (3 * x.detach().squeeze(1)) ** 2)
    (by_hand,) = torch.autograd.grad(penalty.sum(), power)
    assert torch.allclose(by_hand, (4 * power * x**2).sum().detach())


def test_a_flat_critic_has_a_finite_gradient_penalty_gradient() -> None:
    x, w = torch.zeros(2, 3, requires_grad=True), torch.zeros(3, requires_grad=True)
    penalty = gan.one_centred_penalty(x @ w, x).sum()
    (slope,) = torch.autograd.grad(penalty, w)
    assert torch.allclose(penalty, torch.tensor(2.0), atol=1e-4) and slope.isfinite().all()


def test_kl_equals_torch_distributions() -> None:
    mean, logvar = torch.randn(5, 7), torch.randn(5, 7)
    theirs = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    assert torch.allclose(likelihood.kl_per_dimension(mean, logvar), theirs, atol=1e-5)
    assert not likelihood.kl_per_dimension(torch.zeros(1, 3), torch.zeros(1, 3)).any()


def test_likelihoods_equal_torch_distributions() -> None:
    logits, x = torch.randn(4, 1, 3, 3), torch.randint(2, (4, 1, 3, 3)).float()
    assert torch.allclose(likelihood.bernoulli_log_likelihood(x, logits), Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3)), atol=1e-5)
    mean, x = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    for log_sigma in (-1.3, 0.0, 0.4):
        theirs = Normal(mean, math.exp(log_sigma)).log_prob(x).sum((1, 2, 3))
        assert torch.allclose(likelihood.gaussian_log_likelihood(x, mean, torch.tensor(log_sigma)), theirs, atol=1e-4)
        assert torch.allclose(likelihood.gaussian_log_likelihood(x, mean, log_sigma), theirs, atol=1e-4)


def test_the_learned_sigma_settles_at_the_root_mean_square_error() -> None:
    x, mean = torch.randn(50, 6), torch.zeros(50, 6)
    log_sigma = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.Adam([log_sigma], 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        (-likelihood.gaussian_log_likelihood(2 * x, mean, log_sigma)).mean().backward()
        optimiser.step()
    assert torch.allclose(log_sigma.exp(), (2 * x).square().mean().sqrt(), rtol=0.01)


def test_free_bits_charge_at_least_the_floor_for_the_mean_of_each_latent() -> None:
    kl = torch.tensor([[0.0, 1.0], [0.2, 3.0]])
    assert torch.equal(likelihood.free_bits(kl.mean(0), 0.0), torch.tensor([0.1, 2.0]))
    assert torch.equal(likelihood.free_bits(kl.mean(0), 0.5), torch.tensor([0.5, 2.0]))


def test_active_units_counts_the_latents_that_vary() -> None:
    mean = torch.stack([torch.linspace(-1, 1, 10), torch.full((10,), 5.0), 0.05 * torch.linspace(-1, 1, 10)], 1)
    assert likelihood.active_units(mean) == 1

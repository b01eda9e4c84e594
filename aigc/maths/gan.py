"""Adversarial losses and the penalties that keep a critic smooth.

`real` and `fake` are the critic's scores (logits) of B real and B generated examples.  Every loss here is (B,), to be
averaged by the caller, so that the same function can be plotted over a range of scores.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus


def minimax_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))) in nats, D = sigmoid(score): log 4 when D knows nothing.   Goodfellow et al. 2014, eq. 1"""
    return softplus(-real) + softplus(fake)


def minimax_generator(fake: Tensor) -> Tensor:
    """log(1 - D(G(z))) in nats: flat where the critic is sure, which is the flaw the next one mends.   ibid., eq. 1"""
    return -softplus(fake)


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-log D(G(z)) in nats.   ibid., section 3"""
    return softplus(-fake)


def least_squares_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Scores are drawn to 1 on real and 0 on generated data.   Mao et al. 2017, eq. 9"""
    return 0.5 * ((real - 1) ** 2 + fake**2)


def least_squares_generator(fake: Tensor) -> Tensor:
    """ibid., eq. 9"""
    return 0.5 * (fake - 1) ** 2


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Scores beyond +1 and -1 are good enough.   Lim & Ye 2017; Miyato et al. 2018, eq. 16"""
    return relu(1 - real) + relu(1 + fake)


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """Minus the estimate of the Wasserstein-1 distance; true only for a 1-Lipschitz critic.   Arjovsky et al. 2017, eq. 2"""
    return fake - real


def wasserstein_generator(fake: Tensor) -> Tensor:
    """Also the generator's side of the hinge loss.   ibid., eq. 2; Miyato et al. 2018, eq. 17"""
    return -fake


def relativistic_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-log P(real is more real than fake) in nats, one pair at a time.   Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2"""
    return softplus(fake - real)


def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """The same game with the sides changed.   ibid."""
    return softplus(real - fake)


def squared_gradient(score: Tensor, x: Tensor) -> Tensor:
    """|d score / d x|² of each example, itself differentiable.  (B,), (B, ...) -> (B,)   `x` must require a gradient."""
    (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1)


def zero_centred_penalty(score: Tensor, x: Tensor) -> Tensor:
    """R1 when x is real, R2 when it is generated: ½ |d score / d x|², to be weighted by gamma.  -> (B,)   Mescheder et al. 2018, eq. 9"""
    return 0.5 * squared_gradient(score, x)


def one_centred_penalty(score: Tensor, x: Tensor) -> Tensor:
    """(|d score / d x| - 1)², for x on a line between a real and a generated example.  -> (B,)   Gulrajani et al. 2017, eq. 3"""
    return ((squared_gradient(score, x) + 1e-12).sqrt() - 1) ** 2  # the root of zero has no slope

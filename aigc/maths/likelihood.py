"""How well a decoder explains an example, and what its code costs: all in nats, summed over pixels and latents."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def bernoulli_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x) of independent pixels that are 1 with probability sigmoid(logit).  (B, ...), (B, ...) -> (B,)
    For grey x it is minus the cross-entropy, and no longer a probability of x.   Kingma & Welling 2014, app. C.1"""
    rows = logits.flatten(1), x.flatten(1)  # in the same order in memory, whatever the memory format of x
    return -binary_cross_entropy_with_logits(*rows, reduction="none").sum(1)


def gaussian_log_likelihood(x: Tensor, mean: Tensor, log_sigma: Tensor | float) -> Tensor:
    """log N(x; mean, sigma² I), a density: it may be above 0.  (B, ...), (B, ...), () -> (B,)   Kingma & Welling 2014, app. C.2"""
    log_sigma = torch.as_tensor(log_sigma, dtype=x.dtype, device=x.device)
    per_pixel = -0.5 * ((x - mean) / log_sigma.exp()) ** 2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return per_pixel.flatten(1).sum(1)


def kl_per_dimension(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, e^logvar) || N(0, 1)) of every latent.  (B, Z), (B, Z) -> (B, Z)   Kingma & Welling 2014, app. B"""
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar)


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """What each latent pays: its mean KL over a batch, but never less than `floor` nats, so that saving below it gains nothing.
    (Z,) -> (Z,)   Kingma et al. 2016, eq. 15"""
    return kl.clamp(min=floor) if floor else kl


def active_units(mean: Tensor) -> Tensor:
    """How many latents say something about x: those whose posterior mean varies by more than 0.01.  (B, Z) -> ()   Burda et al. 2016, s. 5.2"""
    return (mean.var(0, correction=0) > 0.01).sum().to(mean.dtype)

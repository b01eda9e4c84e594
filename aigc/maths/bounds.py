"""Lower bounds on the likelihood of data under a model that has hidden variables; in nats, an example each.

Pure functions of what a model offers: an encoder and decoder, or a denoiser and a table of rates (T + 1, 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

GREYS = 256
FAINTEST = -12.0  # log SNR: what is fainter has no part in choosing levels


def importance_weighted_bound(
    mean: Tensor, logvar: Tensor, log_likelihood: Callable[[Tensor], Tensor], k: int, rng: Generator, at_a_time: int = 50
) -> Tensor:
    """E log 1/k Σ p(x|z) p(z) / q(z|x) with z from q = N(mean, e^logvar); k = 1 is the evidence lower bound.   Burda et al. 2016, eq. 8

    (B, Z), (B, Z), log p(x | z) of latents (m, B, Z) -> (m, B)  gives  (B,)
    """
    weights = []
    for start in range(0, k, at_a_time):
        noise = torch.randn(min(at_a_time, k - start), *mean.shape, generator=rng, device=mean.device)
        z = mean + (0.5 * logvar).exp() * noise
        prior_over_posterior = 0.5 * (noise.square() + logvar - z.square()).sum(-1)
        weights.append(log_likelihood(z) + prior_over_posterior)
    return torch.cat(weights).logsumexp(0) - math.log(k)


def log_snr(rates: Sequence[tuple[float, float]]) -> Tensor:
    """Log of signal over noise variance of levels 1 to T, at least FAINTEST.  -> (T,)"""
    table = torch.as_tensor(rates, dtype=torch.float64)[1:]
    return (2 * (table[:, 0].clamp(min=1e-30).log() - table[:, 1].log())).clamp(min=FAINTEST)


def variational_bound(
    x0: Tensor, denoise: Callable[[Tensor, int], Tensor], rates: Sequence[tuple[float, float]], rng: Generator, draws: int = 64, greys: bool = True
) -> Tensor:
    """log p(x0) of the model that walks down through every level with ancestral steps, at least.  (B, ...) -> (B,)

    The sum of Kingma et al. 2021, eq. 11 to 13, over T levels: what level T still knows of x0; half the fall of the SNR times the squared
    error of the estimate, summed over levels 2 to T; and the grey read off level 1 (eq. 8).  It needs only that the SNR falls, so it holds
    on every path from data to noise.  Of the middle sum, `draws` levels are looked at, chosen by how far the log SNR falls there.
    `greys`: x0 in [-1, 1] takes 256 values; otherwise x0 is continuous, and level 1 counts as its value plus noise of that density.
    """
    table = torch.as_tensor(rates, dtype=torch.float64)
    snr = (table[:, 0] / table[:, 1].clamp(min=1e-30)).square()
    bound = -_prior_cost(x0, table[-1]) + _read_off(x0, table[1], rng, greys)
    if len(table) <= 2:
        return bound
    levels, chances = _chosen(rates, rng, draws)
    for level, chance in zip(levels.tolist(), chances.tolist(), strict=True):
        signal, noise_rate = table[level].tolist()
        noise = torch.randn(x0.shape, generator=rng, device=x0.device)
        error = (denoise(signal * x0 + noise_rate * noise, level) - x0).double().square().flatten(1).sum(1)
        bound = bound - 0.5 * float(snr[level - 1] - snr[level]) * error / (chance * draws)
    return bound


def _chosen(rates: Sequence[tuple[float, float]], rng: Generator, draws: int) -> tuple[Tensor, Tensor]:
    """Levels from 2 to T, evenly spread over the fall of the log SNR, and the chance of each.  -> (draws,), (draws,)"""
    fall = -log_snr(rates).diff() + 1e-9
    chance = fall / fall.sum()
    u = (torch.arange(draws, dtype=torch.float64) + torch.rand(draws, generator=rng, device=rng.device, dtype=torch.float64).cpu()) / draws
    place = torch.searchsorted(chance.cumsum(0), u).clamp(max=len(chance) - 1)
    return place + 2, chance[place]


def _prior_cost(x0: Tensor, rate: Tensor) -> Tensor:
    """KL(q(x_T | x0) || N(0, I)).  -> (B,)"""
    signal, noise_rate = rate.tolist()
    per_value = 0.5 * ((signal * x0.double()) ** 2 + noise_rate**2 - 1 - 2 * math.log(noise_rate))
    return per_value.flatten(1).sum(1)


def _read_off(x0: Tensor, rate: Tensor, rng: Generator, greys: bool) -> Tensor:
    """log p(x0 | x_1) with p in proportion to q(x_1 | x0), over 256 greys or over the real line.  -> (B,)   Kingma et al. 2021, eq. 8"""
    signal, noise_rate = rate.tolist()
    noise = torch.randn(x0.shape, generator=rng, device=x0.device).double()
    own = -0.5 * noise.square()
    if not greys:
        return (own - 0.5 * math.log(2 * math.pi) - math.log(noise_rate / signal)).flatten(1).sum(1)
    values = torch.linspace(-1, 1, GREYS, dtype=torch.float64, device=x0.device)
    seen = x0.double() + noise_rate / signal * noise
    some = max(1, (1 << 22) // (x0[0].numel() * GREYS))  # pictures at a time: every pixel is held against every grey
    rows = [
        own_part - (-0.5 * ((part[..., None] - values) * (signal / noise_rate)) ** 2).logsumexp(-1)
        for part, own_part in zip(seen.flatten(1).split(some), own.flatten(1).split(some), strict=True)
    ]
    return torch.cat(rows).sum(1)

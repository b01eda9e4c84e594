"""Lower bounds on the likelihood of data under a model that has hidden variables; in nats, an example each.

Pure functions of what a model offers: an encoder and decoder, or a denoiser and a table of rates (T + 1, 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

GREYS = 256
FAINTEST = -12.0  # log SNR at which the data are as good as gone
SHARPEST = 2 * math.log(1000.0)  # log SNR at which data are read off: noise of a thousandth, where greys are 1/128 apart

Denoise = Callable[[Tensor, float, float, float], Tensor]  # (x_t, signal_rate, noise_rate, t / T) -> estimate of x0


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


def variational_bound(
    x0: Tensor, denoise: Denoise, rates: Sequence[tuple[float, float]], rng: Generator, draws: int = 64, greys: bool = True
) -> Tensor:
    """log p(x0) of the model that walks back in steps without number, at least.  (B, ...) -> (B,)   Kingma et al. 2021, eq. 8, 11 and 15

    What the faintest x_t still knows of x0, plus half the integral of SNR times the squared error of the estimate over the log SNR, plus
    what it costs to read x0 off the sharpest x_t.  Only that the SNR falls is needed, so it holds on every path from data to noise;
    between two levels the rates are those in between, and so is the time that the network is told.

    `greys`: x0 in [-1, 1] takes 256 values; otherwise it is continuous and the bound is one on a density.
    """
    table = torch.as_tensor(rates, dtype=torch.float64)
    sharp, faint = _at(table, SHARPEST), _at(table, FAINTEST)
    low, high = _log_snr(faint), _log_snr(sharp)
    bound = _read_off(x0, sharp, rng, greys) - _prior_cost(x0, faint)
    u = (torch.arange(draws, dtype=torch.float64) + torch.rand(draws, generator=rng, device=rng.device, dtype=torch.float64).cpu()) / draws
    for log_snr in (low + u * (high - low)).tolist():
        signal, noise_rate, time = _at(table, log_snr)
        noise = torch.randn(x0.shape, generator=rng, device=x0.device)
        error = (denoise(signal * x0 + noise_rate * noise, signal, noise_rate, time) - x0).double().square().flatten(1).sum(1)
        bound = bound - (high - low) / draws * 0.5 * (signal / noise_rate) ** 2 * error
    return bound


def _log_snr(at: tuple[float, float, float]) -> float:
    return 2 * math.log(at[0] / at[1])


def _at(table: Tensor, log_snr: float) -> tuple[float, float, float]:
    """(signal_rate, noise_rate, t / T) on the path where it has this log SNR, or the nearest it has: on the line between two levels."""
    ratio = math.exp(-log_snr / 2)  # noise over signal
    behind = table[:, 1] - ratio * table[:, 0]  # rises with the level; 0 at the place looked for
    upper = min(max(int(torch.searchsorted(behind.contiguous(), torch.zeros((), dtype=torch.float64))), 1), len(table) - 1)
    share = float((-behind[upper - 1] / (behind[upper] - behind[upper - 1])).clamp(0, 1))
    signal, noise_rate = torch.lerp(table[upper - 1], table[upper], share).tolist()
    return signal, noise_rate, (upper - 1 + share) / (len(table) - 1)


def _prior_cost(x0: Tensor, at: tuple[float, float, float]) -> Tensor:
    """KL(q(x_t | x0) || N(0, I)).  -> (B,)"""
    signal, noise_rate, _ = at
    per_value = 0.5 * ((signal * x0.double()) ** 2 + noise_rate**2 - 1 - 2 * math.log(noise_rate))
    return per_value.flatten(1).sum(1)


def _read_off(x0: Tensor, at: tuple[float, float, float], rng: Generator, greys: bool) -> Tensor:
    """log p(x0 | x_t) with p in proportion to q(x_t | x0), over 256 greys or over the real line.  -> (B,)   Kingma et al. 2021, eq. 8"""
    spread = at[1] / at[0]
    if not greys:  # the mean over the noise is known
        return torch.full((len(x0),), -x0[0].numel() * (0.5 + 0.5 * math.log(2 * math.pi) + math.log(spread)), dtype=torch.float64, device=x0.device)
    noise = torch.randn(x0.shape, generator=rng, device=x0.device).double()
    own = -0.5 * noise.square()
    values = torch.linspace(-1, 1, GREYS, dtype=torch.float64, device=x0.device)
    some = max(1, (1 << 22) // (x0[0].numel() * GREYS))  # pictures at a time: every pixel is held against every grey
    seen = (x0.double() + spread * noise).flatten(1)
    rows = [
        own_part - (-0.5 * ((part[..., None] - values) / spread) ** 2).logsumexp(-1)
        for part, own_part in zip(seen.split(some), own.flatten(1).split(some), strict=True)
    ]
    return torch.cat(rows).sum(1)

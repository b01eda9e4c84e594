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

Denoise = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # (x_t, signal_rate (B, 1, ...), noise_rate, t / T (B,)) -> estimate of x0


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
    x0: Tensor,
    denoise: Denoise,
    rates: Sequence[tuple[float, float]],
    rng: Generator,
    draws: int = 64,
    greys: bool = True,
    sharpest: float = SHARPEST,
    log_prior: Tensor | None = None,
) -> Tensor:
    """log p(x0) of the model that walks back in steps without number, at least.  (B, ...) -> (B,)   Kingma et al. 2021, eq. 8, 11 and 15

    log p(x0) = log E_q [p(z_0) p(z_1 | z_0) ... p(x0 | z_n) / q(z_0 ... z_n | x0)], z_0 the faintest x_t and z_n the sharpest, and by Jensen
    at least the mean of the logarithm (Sohl-Dickstein et al. 2015, eq. 14; Ho et al. 2020, eq. 5), which falls apart into

        E log p(x0 | z_n) - Σ KL(q(z_i | z_i-1, x0) || p(z_i | z_i-1)) - KL(q(z_0 | x0) || N(0, I)).

    In ever finer steps the sum is half the integral of SNR times the squared error of the estimate over the log SNR.  Only that the SNR
    falls is needed, so it holds on every path from data to noise, and at whichever level `sharpest` (a log SNR) the walk ends; between
    two levels the rates are those in between, and so is the time that the network is told.  Every example draws levels of its own.

    `greys`: x0 in [-1, 1] takes 256 values; otherwise it is continuous and the bound is one on a density.
    `log_prior`: of every value's 256 greys before z_n is seen, fixed without a look at x0 (values of an example, 256); None: all alike.
    """
    table = torch.as_tensor(rates, dtype=torch.float64)
    faint, sharp = (tuple(map(float, _at(table, torch.tensor(at, dtype=torch.float64)))) for at in (FAINTEST, sharpest))
    low, high = (2 * math.log(signal / noise_rate) for signal, noise_rate, _ in (faint, sharp))
    bound = _read_off(x0, sharp[1] / sharp[0], rng, greys, log_prior) - _prior_cost(x0, *faint[:2])
    within = torch.rand(draws, len(x0), generator=rng, device=rng.device, dtype=torch.float64).cpu()
    for log_snr in low + (high - low) * (torch.arange(draws)[:, None] + within) / draws:
        signal, noise_rate, time = (part.to(x0) for part in _at(table, log_snr))
        signal, noise_rate = (rate.view(-1, *[1] * (x0.dim() - 1)) for rate in (signal, noise_rate))
        noise = torch.randn(x0.shape, generator=rng, device=x0.device)
        error = (denoise(signal * x0 + noise_rate * noise, signal, noise_rate, time) - x0).double().square().flatten(1).sum(1)
        bound = bound - (high - low) / draws * 0.5 * log_snr.exp().to(x0.device) * error
    return bound


def _at(table: Tensor, log_snr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(signal_rate, noise_rate, t / T) on the path where it has these log SNRs, or the nearest it has: on the line between two levels."""
    ratio = (-log_snr / 2).exp()  # noise over signal
    upper = torch.searchsorted((table[:, 1] / table[:, 0]).contiguous(), ratio).clamp(1, len(table) - 1)
    above, below = table[upper - 1], table[upper]
    short, past = (rates[..., 1] - ratio * rates[..., 0] for rates in (above, below))  # 0 at the place looked for
    share = (short / (short - past)).clamp(0, 1)
    signal, noise_rate = torch.lerp(above, below, share[..., None]).unbind(-1)
    return signal, noise_rate, (upper - 1 + share) / (len(table) - 1)


def _prior_cost(x0: Tensor, signal: float, noise_rate: float) -> Tensor:
    """KL(q(x_t | x0) || N(0, I)).  -> (B,)"""
    per_value = 0.5 * ((signal * x0.double()) ** 2 + noise_rate**2 - 1 - 2 * math.log(noise_rate))
    return per_value.flatten(1).sum(1)


def _read_off(x0: Tensor, spread: float, rng: Generator, greys: bool, log_prior: Tensor | None) -> Tensor:
    """log p(x0 | x_t) with p in proportion to p(x0) q(x_t | x0), over 256 greys or over the real line; `spread` is the noise over the
    signal.  It sums to one over the greys whatever the prior, which is all the bound asks of it.  -> (B,)   Kingma et al. 2021, eq. 8
    """
    if not greys:  # the mean over the noise is known
        return torch.full((len(x0),), -x0[0].numel() * (0.5 + 0.5 * math.log(2 * math.pi) + math.log(spread)), dtype=torch.float64, device=x0.device)
    values = torch.linspace(-1, 1, GREYS, dtype=torch.float64, device=x0.device)
    prior = torch.zeros(x0[0].numel(), GREYS, device=x0.device) if log_prior is None else log_prior.to(x0.device)
    places = ((x0.flatten(1).double() + 1) * (GREYS - 1) / 2).round().long()
    noise = torch.randn(x0.shape, generator=rng, device=x0.device).double().flatten(1)
    some = max(1, (1 << 22) // (x0[0].numel() * GREYS))  # pictures at a time: every pixel is held against every grey
    rows = []
    for place, part in zip(places.split(some), noise.split(some), strict=True):
        seen = values[place] + spread * part
        fits = prior - 0.5 * ((seen[..., None] - values) / spread) ** 2
        rows.append((fits.gather(-1, place[..., None])[..., 0] - fits.logsumexp(-1)).sum(1))
    return torch.cat(rows)


def grey_histograms(pictures: Tensor, own: float = 16.0) -> Tensor:
    """log p of the 256 greys in every place of a picture, as these pictures show them.  (N, ...) uint8 -> (values of a picture, 256)

    Counts of the place, and `own` more pictures' worth of the greys of all places, of which none counts as never seen: the mean of a
    Dirichlet posterior, so that no grey is impossible.   Bishop 2006, section 2.2.1
    """
    flat = pictures.flatten(1)
    size = flat.shape[1]
    counts = torch.zeros(size * GREYS, dtype=torch.float64)
    for part in flat.split(max(1, (1 << 24) // size)):
        counts += torch.bincount((torch.arange(size) * GREYS + part).flatten(), minlength=len(counts))
    counts = counts.view(size, GREYS)
    everywhere = counts.sum(0) + 1
    return ((counts + own * everywhere / everywhere.sum()) / (len(flat) + own)).log()

"""The formulas of diffusion and flow matching: what is predicted, how it is weighted, how one step back is taken.

Every path mixes  x_t = signal_rate(t) * x0 + noise_rate(t) * noise  at T levels: level 0 is the data, level T the noise.
Everything else follows from the two rates, which are kept as one table (T + 1, 2); noise_paths.py makes the tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

Rate = Tensor | float  # of one level, or (B, 1, ...) of one level an example
Mix = Callable[[Rate, Rate], tuple[Rate, Rate]]  # (signal_rate, noise_rate) -> (share of noise, share of x0) in what is predicted


def add_noise(x0: Tensor, noise: Tensor, signal_rate: Rate, noise_rate: Rate) -> Tensor:
    """A draw from q(x_t | x0).   Ho et al. 2020, eq. 4"""
    return signal_rate * x0 + noise_rate * noise


# What the network predicts: some mix of noise and x0. Each returns (share of noise, share of x0).


def noise_target(signal_rate: Rate, noise_rate: Rate) -> tuple[Rate, Rate]:
    """Ho et al. 2020, eq. 14. Says nothing of x0 where signal_rate is 0."""
    return 1.0, 0.0


def image_target(signal_rate: Rate, noise_rate: Rate) -> tuple[Rate, Rate]:
    return 0.0, 1.0


def v_target(signal_rate: Rate, noise_rate: Rate) -> tuple[Rate, Rate]:
    """v = signal_rate * noise - noise_rate * x0.   Salimans & Ho 2022, section 4"""
    return signal_rate, -noise_rate


def velocity_target(signal_rate: Rate, noise_rate: Rate) -> tuple[Rate, Rate]:
    """dx_t/dt = noise - x0 of the straight path.   Lipman et al. 2023, eq. 23"""
    return 1.0, -1.0


def target(x0: Tensor, noise: Tensor, signal_rate: Rate, noise_rate: Rate, mix: Mix) -> Tensor:
    of_noise, of_image = mix(signal_rate, noise_rate)
    return of_noise * noise + of_image * x0


def image_from(predicted: Tensor, x: Tensor, signal_rate: Rate, noise_rate: Rate, mix: Mix) -> Tensor:
    """The x0 that a prediction at x_t stands for: x_t and the prediction are two linear equations in (x0, noise)."""
    of_noise, of_image = mix(signal_rate, noise_rate)
    return (of_noise * x - noise_rate * predicted) / (signal_rate * of_noise - noise_rate * of_image)


def min_snr_weight(signal_rate: Tensor, noise_rate: Tensor, mix: Mix, gamma: float) -> Tensor:
    """Weight of the squared error of what is predicted that makes min(SNR, gamma) the weight of x0's.   Hang et al. 2023, section 3.4

    With noise as target this is min(SNR, gamma) / SNR, with v it is min(SNR, gamma) / (SNR + 1): the error of x0 is the error
    of the prediction times noise_rate / det.
    """
    of_noise, of_image = mix(signal_rate, noise_rate)
    det = signal_rate * of_noise - noise_rate * of_image
    return torch.minimum(signal_rate**2, gamma * noise_rate**2) / det**2  # min(SNR, gamma) * noise_rate^2, safe at both ends


# Levels to train on and to sample through.


def evenly(n: int, rng: Generator) -> Tensor:
    """n numbers in [0, 1), one in each n-th of it, so that a batch covers all levels.  -> (n,)   Kingma et al. 2021, app. I.1"""
    steps = torch.arange(n, device=rng.device) / n
    return (torch.rand(1, generator=rng, device=rng.device) + steps) % 1


def logit_normal(u: Tensor) -> Tensor:
    """Quantiles of a logit-normal, which looks most at the middle of the path.  [0, 1) -> [0, 1]   Esser et al. 2024, eq. 19"""
    return (math.sqrt(2) * torch.erfinv(2 * u - 1)).sigmoid()


def both_ends(u: Tensor, steepness: float = 4.0) -> Tensor:
    """Quantiles of the density cosh(a (t - 1/2)), which looks most at data and at noise.  [0, 1) -> [0, 1)   Lee et al. 2024, "U-shaped" """
    return 0.5 + torch.asinh((2 * u - 1) * math.sinh(steepness / 2)) / steepness


def trailing(levels: int, steps: int, shift: float = 1.0) -> list[int]:
    """Which levels a sampler of so many steps goes through, noise first, data (level 0) last.   Lin et al. 2024, table 2

    A shift above 1 looks more often where there is much noise.   Esser et al. 2024, eq. 23
    """
    through = [levels]
    for i in range(1, steps + 1):
        t = 1 - i / steps
        wanted = math.floor(levels * shift * t / (1 + (shift - 1) * t) + 0.5)
        through.append(max(min(wanted, through[-1] - 1), steps - i))  # a level is never visited twice
    return through


# Sampling.


def guide(unconditional: Tensor, conditional: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance; 1 is the plain conditional prediction.   Ho & Salimans 2022, eq. 6 with guidance = 1 + w"""
    return unconditional + guidance * (conditional - unconditional)


def guided_target(target: Tensor, unconditional: Tensor, conditional: Tensor, guidance: float) -> Tensor:
    """What to predict instead of `target` so that the prediction itself becomes `guide(unconditional, E[target], guidance)`: that is where
    p = E[target] + (1 - 1 / guidance) (p - unconditional).  Dropout aside, nothing changes where no class was told.
    Tang et al. 2025, model guidance"""
    return target + (1 - 1 / guidance) * (conditional - unconditional)


def ddim_step(x: Tensor, x0: Tensor, here: tuple[float, float], there: tuple[float, float], eta: float = 0.0, noise: Tensor | None = None) -> Tensor:
    """From level `here` to a cleaner level `there`, each (signal_rate, noise_rate), given the estimate x0.   Song et al. 2021, eq. 12

    eta = 1 draws from the posterior q(x_there | x_here, x0) of DDPM (Ho et al. 2020, eq. 7) and eta = 0 needs no noise; on the
    straight path that is one Euler step. Written with both rates, so that it holds on paths of any variance.
    """
    (signal, noise_rate), (signal_there, noise_there) = here, there
    forgotten = max(noise_rate**2 - (signal / signal_there * noise_there) ** 2, 0.0)  # variance that the path adds between the two
    sigma = eta * noise_there / noise_rate * math.sqrt(forgotten)
    predicted_noise = (x - signal * x0) / noise_rate
    x = signal_there * x0 + math.sqrt(max(noise_there**2 - sigma**2, 0.0)) * predicted_noise
    return x if noise is None else x + sigma * noise


def adams_weights(t: float, t_next: float, seen: Sequence[float]) -> list[float]:
    """What each estimate of x0, made at the times `seen`, adds to x on the straight path:  x(t') = t'/t x(t) + sum_i w_i x0(seen_i)

    The velocity (x - x0) / t makes  x(t') = t'/t x(t) + t' int_t'^t x0(s) / s^2 ds;  x0 is taken for the polynomial in s through the
    estimates, whose integral is exact, so that n of them give order n.   Zhang & Chen 2023, eq. 15 (DEIS, tAB) for x0
    """
    powers = torch.tensor(seen, dtype=torch.float64)[None] ** torch.arange(len(seen))[:, None]
    integrals = [1 - t_next / t, t_next * math.log(t / t_next), *(t_next * (t ** (k - 1) - t_next ** (k - 1)) / (k - 1) for k in range(2, len(seen)))]
    return torch.linalg.solve(powers, torch.tensor(integrals[: len(seen)], dtype=torch.float64)).tolist()


def ddim_step_back(y: Tensor, x: Tensor, x0: Tensor, here: tuple[float, float], there: tuple[float, float]) -> Tensor:
    """A better y at the noisier level `there`, from which `ddim_step` leads to x `here`; x0 is the estimate at y.

    The step is implicit in y: repeating this is the fixed-point iteration that solves it (Pan et al. 2023, AIDI). Of its two
    unknowns x0 and noise, x gives the one that it shows least of; the other is taken from y, where it hardly changes.
    """
    (signal, noise_rate), (signal_there, noise_there) = here, there
    if noise_there > signal_there and noise_rate > 0:
        noise = (x - signal * x0) / noise_rate
    else:
        noise = (y - signal_there * x0) / noise_there
        x0 = (x - noise_rate * noise) / signal
    return signal_there * x0 + noise_there * noise

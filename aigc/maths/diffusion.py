"""The formulas of diffusion and flow matching: paths from data to noise, what is predicted, how one step back is taken.

Every path mixes  x_t = signal_rate(t) * x0 + noise_rate(t) * noise  at T levels: level 0 is the data, level T the noise.
Everything else follows from the two rates, which are kept as one table (T + 1, 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

Rate = Tensor | float  # of one level, or (B, 1, ...) of one level an example
Mix = Callable[[Rate, Rate], tuple[Rate, Rate]]  # (signal_rate, noise_rate) -> (share of noise, share of x0) in what is predicted


# Paths. alpha_bar[t] is the share of the variance that is still data after level t + 1.


def linear_alpha_bar(levels: int) -> Tensor:
    """Betas from 1e-4 to 0.02 at 1,000 levels; other numbers cut the same path finer or coarser.  -> (T,)   Ho et al. 2020, section 4"""
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    log_alpha_bar = torch.cat([beta.new_zeros(1), (1 - beta).log().cumsum(0)])
    place = torch.arange(1, levels + 1, dtype=torch.float64) * 1000 / levels
    below = place.long().clamp(max=999)
    return torch.lerp(log_alpha_bar[below], log_alpha_bar[below + 1], place - below).exp()


def cosine_alpha_bar(levels: int) -> Tensor:
    """A squared cosine, betas at most 0.999.  -> (T,)   Nichol & Dhariwal 2021, eq. 17"""
    f = torch.cos((torch.arange(levels + 1, dtype=torch.float64) / levels + 0.008) / 1.008 * math.pi / 2) ** 2
    beta = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return (1 - beta).cumprod(0)


def zero_terminal_snr(alpha_bar: Tensor) -> Tensor:
    """The same path shifted and scaled so that nothing of the data is left at the end.  (T,) -> (T,)   Lin et al. 2024, alg. 1"""
    root = alpha_bar.sqrt()
    if len(root) == 1:
        return torch.zeros_like(root)
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2


def variance_preserving(alpha_bar: Tensor) -> Tensor:
    """(T,) -> rates (T + 1, 2) whose squares add up to one.   Ho et al. 2020, eq. 4"""
    alpha_bar = torch.cat([alpha_bar.new_ones(1), alpha_bar])
    return torch.stack([alpha_bar.sqrt(), (1 - alpha_bar).sqrt()], dim=1).float()


def straight(levels: int) -> Tensor:
    """x_t = (1 - t) x0 + t noise, the path of flow matching.  -> rates (T + 1, 2)   Lipman et al. 2023, eq. 22; Liu et al. 2023"""
    t = torch.linspace(0, 1, levels + 1, dtype=torch.float64)
    return torch.stack([1 - t, t], dim=1).float()


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


def trailing(levels: int, steps: int) -> list[int]:
    """Which levels a sampler of so many steps goes through, noise first, data (level 0) last.   Lin et al. 2024, table 2"""
    return [math.floor(levels - i * levels / steps + 0.5) for i in range(steps + 1)]


# Sampling.


def guide(unconditional: Tensor, conditional: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance; 1 is the plain conditional prediction.   Ho & Salimans 2022, eq. 6 with guidance = 1 + w"""
    return unconditional + guidance * (conditional - unconditional)


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

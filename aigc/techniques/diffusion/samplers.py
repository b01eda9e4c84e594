"""The ways back from noise: generators over a denoiser, each yielding (x_t, the estimate of x0 at x_t) once a step.

The last step of every sampler goes to level 0, where x_t is the estimate itself: the last x0 is the answer.
`denoise(x, level)` returns the estimate of x0; `levels` falls to 0; `rates[level]` is (signal_rate, noise_rate).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor

from aigc.maths.diffusion import adams_weights, ddim_step, ddim_step_back
from aigc.techniques.diffusion import Sampler, Sampling

Denoise = Callable[[Tensor, int], Tensor]
Rates = Sequence[tuple[float, float]]
Steps = Iterator[tuple[Tensor, Tensor]]

LEAST_SIGNAL = 2.0**-12  # solvers in log SNR cannot start at none at all; diffusers stops there too
ADAMS_ORDER = 3


def shift(sampler: Sampler) -> float:
    """How much more often the way back looks where there is much noise; on MNIST and Fashion-MNIST 1.5 to 2 is best for Adams."""
    return 1.5 if sampler is Sampler.ADAMS else 1.0


def walk(how: Sampling, denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates, *, is_straight: bool, rng: Generator) -> Steps:
    """The way back that `how.sampler` names."""
    match how.sampler:
        case Sampler.DDIM:
            return ddim(denoise, x, levels, rates, eta=how.eta, rng=rng)
        case Sampler.DDPM:
            return ddim(denoise, x, levels, rates, eta=1.0, rng=rng)
        case Sampler.EULER:
            return euler(denoise, x, levels, rates)
        case Sampler.HEUN:
            return heun(denoise, x, levels, rates)
        case Sampler.ADAMS:
            return adams(denoise, x, levels, rates)
        case Sampler.DPM_SOLVER:
            return through_diffusers("DPMSolverMultistepScheduler", denoise, x, levels, rates, is_straight=is_straight)
        case Sampler.UNIPC:
            return through_diffusers("UniPCMultistepScheduler", denoise, x, levels, rates, is_straight=is_straight)
        case _:
            raise ValueError(f"{how.sampler} is no sampler; the model works out which one suits its path")


def ddim(denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates, *, eta: float, rng: Generator) -> Steps:
    """Song et al. 2021; eta = 1 is the ancestral sampler of DDPM."""
    for level, cleaner in pairwise(levels):
        x0 = denoise(x, level)
        yield x, x0
        noise = torch.randn(x.shape, generator=rng, device=x.device) if eta > 0 and cleaner > 0 else None
        x = ddim_step(x, x0, rates[level], rates[cleaner], eta if noise is not None else 0.0, noise)


def euler(denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates) -> Steps:
    """x(t') = x(t) + (t' - t) u  with the velocity u = (x - x0) / t of the straight path.   Liu et al. 2023, section 2.2"""
    for level, cleaner in pairwise(levels):
        t, t_next = rates[level][1], rates[cleaner][1]
        x0 = denoise(x, level)
        yield x, x0
        x = x + (t_next - t) * (x - x0) / t


def heun(denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates) -> Steps:
    """Euler corrected by the velocity where it arrives; N steps are 2 N - 1 evaluations.   Karras et al. 2022, alg. 1"""
    for level, cleaner in pairwise(levels):
        t, t_next = rates[level][1], rates[cleaner][1]
        x0 = denoise(x, level)
        yield x, x0
        u = (x - x0) / t
        there = x + (t_next - t) * u
        if cleaner > 0:
            u = (u + (there - denoise(there, cleaner)) / t_next) / 2
        x = x + (t_next - t) * u


def adams(denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates) -> Steps:
    """Each step looks once and remembers the two looks before: order 3 at the cost of Euler.   Zhang & Chen 2023, section 3.2"""
    seen: list[tuple[float, Tensor]] = []  # (time, estimate of x0), newest first
    for level, cleaner in pairwise(levels):
        t, t_next = rates[level][1], rates[cleaner][1]
        x0 = denoise(x, level)
        yield x, x0
        if cleaner > 0:
            seen = [(t, x0), *seen[: ADAMS_ORDER - 1]]
            weights = adams_weights(t, t_next, [time for time, _ in seen])
            x = t_next / t * x + sum(weight * estimate for weight, (_, estimate) in zip(weights, seen, strict=True))


def through_diffusers(scheduler: str, denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates, *, is_straight: bool) -> Steps:
    """DPM-Solver++ (Lu et al. 2022) or UniPC (Zhao et al. 2023) as diffusers implements them, on our own levels.

    Both compute with the scheduler's table of sigmas alone: noise_rate on the straight path, noise_rate / signal_rate elsewhere.
    """
    import diffusers

    solver: Any = getattr(diffusers, scheduler)(prediction_type="sample", use_flow_sigmas=is_straight, final_sigmas_type="zero")
    solver.set_timesteps(len(levels) - 1)
    solver.set_begin_index(0)
    signal = torch.tensor([max(rates[level][0], LEAST_SIGNAL) for level in levels], dtype=torch.float64)
    sigmas = 1 - signal if is_straight else (1 / signal**2 - 1).clamp(min=0).sqrt()
    solver.sigmas = sigmas.float()
    solver.timesteps = torch.tensor(levels[:-1])
    for level in levels[:-1]:
        x0 = denoise(x, level)
        yield x, x0
        x = solver.step(x0, level, x, return_dict=False)[0]


def invert(denoise: Denoise, x: Tensor, levels: Sequence[int], rates: Rates, corrections: int = 3) -> Iterator[Tensor]:
    """The way from data at level 0 up to noise from which `ddim` (or `euler`) comes back; `levels` rises.  Yields every x_t.

    Each step solves the implicit equation "one step down from y is x" by so many evaluations.
    """
    for level, noisier in pairwise(levels):
        y = x * rates[noisier][0] / rates[level][0]
        for _ in range(corrections):
            y = ddim_step_back(y, x, denoise(y, noisier), rates[level], rates[noisier])
        x = y
        yield x

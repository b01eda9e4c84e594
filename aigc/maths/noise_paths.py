"""The paths from data to noise, each a table of rates (T + 1, 2): the share of data and of noise at every level."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# alpha_bar[t] is the share of the variance that is still data after level t + 1.


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

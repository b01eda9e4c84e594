"""A flat window on a latent space of any size, addressed by quantiles: the unit square, evenly filled by the prior."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aigc.nets.finite import check_finite

EXTENT = 3.0  # standardised points are shown in the square [-EXTENT, EXTENT]²
MARGIN = 1e-3  # quantiles 0 and 1 lie at infinity


def quantile_grid(side: int, device: torch.device) -> Tensor:
    """Evenly spaced quantiles, their middles: [i, j] is column j, row i counted from below.  -> (side, side, 2)"""
    axis = (torch.arange(side, device=device) + 0.5) / side
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y], -1)


class LatentPlane(nn.Module):
    """The plane through the mean of the latents along their two widest directions; with two latents, those two themselves.

    A direction is as long as the latents' standard deviation along it.  All of it is buffers, and saved.
    """

    centre: Tensor
    axes: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("axes", torch.eye(2, size))

    def fit(self, z: Tensor) -> None:
        """Lay the plane through latents (N, Z).  Raises FloatingPointError where they are not finite."""
        check_finite(z)
        self.centre.copy_(z.mean(0))
        if z.shape[1] <= 2:
            self.axes.copy_(torch.eye(2, z.shape[1], device=z.device) * z.std(0, correction=0))
            return
        if z.shape[1] > len(z) > 1:  # a map of codes: fewer examples than directions
            _, lengths, across = torch.linalg.svd(z - self.centre, full_matrices=False)
            directions, spread = across[:2].flip(0).T, (lengths[:2] ** 2 / len(z)).flip(0)
        else:
            spread, directions = torch.linalg.eigh((z - self.centre).T @ (z - self.centre) / len(z))  # the widest come last
        directions, spread = directions.T[-2:].flip(0), spread[-2:].flip(0).clamp(min=0).sqrt()
        largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))  # a direction's sign is free: fix it
        self.axes.copy_(directions * largest.sign() * spread[:, None])

    def forward(self, points: Tensor) -> Tensor:
        """Quantiles in [0, 1]² to latents.  (N, 2) -> (N, Z)"""
        return self.centre + torch.special.ndtri(points.clamp(MARGIN, 1 - MARGIN)) @ self.axes

    def place(self, z: Tensor) -> Tensor:
        """Where latents stand when seen from above the plane: the inverse of `forward`.  (N, Z) -> (N, 2)"""
        lengths = self.axes.square().sum(1).clamp(min=1e-12)  # the axes are at right angles
        return torch.special.ndtr((z - self.centre) @ self.axes.T / lengths)

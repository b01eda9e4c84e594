"""Pictures moved, turned, resized and mirrored at random, each by its own amount, on whatever device they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from aigc.options import Options


@dataclass(frozen=True)
class Augmentation:
    """How much every picture may be changed; see `aigc.options.Options` for what a person reads."""

    shift: float = 0.0  # share of the side, either way, in whole pixels
    rotation: float = 0.0  # degrees, either way
    scale: float = 0.0  # share, larger or smaller
    flip: bool = False  # half of them left to right

    @classmethod
    def of(cls, options: Options) -> Augmentation:
        return cls(options.shift, options.rotation, options.scale, options.flip)


def augment(x: Tensor, a: Augmentation, rng: Generator) -> Tensor:
    """Every picture changed by its own random amounts, uniform up to those of `a`.  (B, C, H, W) in [0, 1] -> the same

    Nothing waits for the device.  What is to stay as it is comes back untouched: points, and everything if `a` is nothing.
    """
    if x.dim() != 4 or a == Augmentation():
        return x
    n, _, height, width = x.shape

    def uniform(most: float) -> Tensor:
        return (2 * torch.rand(n, generator=rng, device=x.device) - 1) * most

    def whole(most: int) -> Tensor:  # half pixels would blur, and a model learns the blur
        return torch.randint(-most, most + 1, (n,), generator=rng, device=x.device)

    moved = move(
        x,
        down=whole(round(a.shift * height)) if a.shift else None,
        right=whole(round(a.shift * width)) if a.shift else None,
        angle=uniform(math.radians(a.rotation)) if a.rotation else None,
        zoom=1 + uniform(a.scale) if a.scale else None,
        mirrored=torch.rand(n, generator=rng, device=x.device) < 0.5 if a.flip else None,
    )
    return moved.clamp(0, 1)  # mixing pixels may miss by a rounding, and what is a probability must not


def move(
    x: Tensor,
    down: Tensor | None = None,
    right: Tensor | None = None,
    angle: Tensor | None = None,
    zoom: Tensor | None = None,
    mirrored: Tensor | None = None,
) -> Tensor:
    """Picture i mirrored left to right if mirrored[i], enlarged zoom[i] times and turned by angle[i] (radians, anticlockwise)
    about its middle, then moved by down[i] and right[i] pixels.  (B, C, H, W), (B,)... -> (B, C, H, W)

    Where there was nothing before, a photograph is continued by its mirror image; a grey picture by its background, which is
    the median of its border: black for digits on black, white for ink on paper.
    """
    n, channels, height, width = x.shape
    rows, columns = _from_the_middle(height, down, x.device)[:, :, None], _from_the_middle(width, right, x.device)[:, None, :]
    if angle is not None:
        cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
        rows, columns = sin * columns + cos * rows, cos * columns - sin * rows
    if zoom is not None:
        rows, columns = rows / zoom[:, None, None], columns / zoom[:, None, None]
    if mirrored is not None:
        columns = torch.where(mirrored[:, None, None], -columns, columns)

    grey = channels == 1
    place = x.new_empty(n, height, width, 2)  # where each pixel comes from; -1 and 1 are the picture's edges
    for axis, (steps, pixels) in enumerate(((columns, width), (rows, height))):
        place[..., axis] = steps * (2 / pixels) if grey else _folded_back(steps * (2 / pixels), pixels)

    mode = "nearest" if angle is None and zoom is None else "bilinear"  # pixels that only change places stay exact
    if not grey or (down is None and right is None and mode == "nearest"):
        return F.grid_sample(x, place, mode, "zeros", align_corners=False)
    border = torch.cat([x[:, :, 0], x[:, :, -1], x[:, :, :, 0], x[:, :, :, -1]], -1)
    background = border.sort(-1).values[:, :, (border.shape[-1] - 1) // 2, None, None]  # the median, which a GPU finds in another order each time
    return F.grid_sample(x - background, place, mode, "zeros", align_corners=False) + background


def _from_the_middle(pixels: int, moved: Tensor | None, device: torch.device) -> Tensor:
    """How far from the middle each pixel was before the move.  -> (B, pixels), or (1, pixels)"""
    here = torch.arange(pixels, device=device, dtype=torch.float32) - (pixels - 1) / 2
    return here[None] if moved is None else here - moved[:, None]


def _folded_back(place: Tensor, pixels: int) -> Tensor:
    """Places beyond an edge reflected into the picture; up to a whole picture away, and grid_sample's own is not on every device."""
    inmost = 1 - 1 / pixels  # the outermost pixel's middle, beyond which grid_sample mixes in black
    return (2 * place.clamp(-1, 1) - place).clamp(-inmost, inmost)

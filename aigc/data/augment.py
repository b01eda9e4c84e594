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
    if x.dim() != 4:
        return x
    n, _, height, width = x.shape

    def amount(most: float) -> Tensor:
        return (2 * torch.rand(n, generator=rng, device=x.device) - 1) * most

    if a.flip:
        mirrored = torch.rand(n, generator=rng, device=x.device) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
    if a.shift or a.rotation or a.scale:
        # Whole pixels: half ones would blur, and a model learns the blur.
        down, right = (torch.randint(-most, most + 1, (n,), generator=rng, device=x.device) for most in _pixels(a.shift, height, width))
        turned, scaled = bool(a.rotation), bool(a.scale)
        angle = amount(math.radians(a.rotation)) if turned else None
        zoom = 1 + amount(a.scale) if scaled else None
        x = move(x, down, right, angle, zoom)
    return x


def _pixels(share: float, height: int, width: int) -> tuple[int, int]:
    return round(share * height), round(share * width)


def move(x: Tensor, down: Tensor, right: Tensor, angle: Tensor | None = None, zoom: Tensor | None = None) -> Tensor:
    """Picture i moved by down[i], right[i] pixels after it was turned by angle[i] (radians, anticlockwise) and enlarged
    zoom[i] times about its middle.  (B, C, H, W), (B,), (B,), (B,), (B,) -> (B, C, H, W)

    Where there was nothing before, a photograph is continued by its mirror image; a grey picture by its background, which is
    the median of its border: black for digits on black, white for ink on paper.
    """
    n, channels, height, width = x.shape
    exact = angle is None and zoom is None
    zoom = torch.ones(n, device=x.device) if zoom is None else zoom
    angle = torch.zeros(n, device=x.device) if angle is None else angle
    cos, sin = angle.cos() / zoom, angle.sin() / zoom

    # For each pixel of the result, the place in the picture it comes from, both in pixels from the middle.
    rows = torch.arange(height, device=x.device) - (height - 1) / 2 - down[:, None]  # (B, H)
    columns = torch.arange(width, device=x.device) - (width - 1) / 2 - right[:, None]  # (B, W)
    rows, columns = rows[:, :, None], columns[:, None, :]
    cos, sin = cos[:, None, None], sin[:, None, None]
    place = torch.stack([(cos * columns - sin * rows) * (2 / width), (sin * columns + cos * rows) * (2 / height)], -1)

    mode = "nearest" if exact else "bilinear"
    if channels == 1:
        border = torch.cat([x[:, :, 0], x[:, :, -1], x[:, :, :, 0], x[:, :, :, -1]], -1)
        background = border.median(-1).values[:, :, None, None]
        return F.grid_sample(x - background, place, mode, "zeros", align_corners=False) + background
    # Folded by hand: grid_sample's own reflection is not on every device.
    place = 1 - ((place + 1) % 4 - 2).abs()
    edge = place.new_tensor([1 - 1 / width, 1 - 1 / height])
    return F.grid_sample(x, place.clamp(-edge, edge), mode, "zeros", align_corners=False)

"""Scenes as pictures: real digits and garments, drawn from the data, in two colours on 64 x 64 pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from aigc.data import DataSpec
from aigc.data.load import load
from aigc.evaluate.features import extractor
from aigc.pretrained.teach.pictures.scenes import COLOURS, DIGITS, THINGS, Layout, Scene

SIDE = 64
FRAME = {Layout.ONE: 0.86, Layout.TWO: 0.47, Layout.LEFT: 0.47, Layout.RIGHT: 0.47}  # side of a thing's own frame, as a share of the picture's
CENTRE = {Layout.ONE: 0.0, Layout.LEFT: -0.5, Layout.RIGHT: 0.5}  # -1 is the left edge, 1 the right one
PAIR = (-0.5, 0.5)
LOOSE, SIZES = 0.06, 0.08  # how far places and sizes stray
TINT = 14  # how far colours stray, of 255
SURE = 0.9  # probability: pictures whose label the feature network gives less to are not taught
LIFT = 0.6  # exponent that lifts the dark parts of garments, which would vanish in the ground


class Things:
    """Digits and garments, as how much ink is where: all of the test sets, or what is clear in the training sets.

    A shirt that passes for a coat would teach both words wrong, so only pictures that the feature network is SURE of are
    taught, or the surer half of a class: 99 % of the digits, 85 % of the garments.   Raises Refusal where a dataset is missing.
    """

    def __init__(self, part: str = "train"):
        self.ink: list[Tensor] = []
        for name in ("mnist", "fashion-mnist"):
            data = load(name)
            x, labels = (data.x, data.labels) if part == "train" else (data.test_x, data.test_labels)
            assert labels is not None, "both sets are labelled"
            if part == "train":
                kept = clear(data.spec, x, labels)
                x, labels = x[kept], labels[kept]
            self.ink += [x[labels == k] for k in range(len(data.spec.classes))]

    def some(self, things: Tensor, rng: Generator) -> Tensor:
        """One picture of each thing asked for.  (N,) in 0..19 -> (N, 1, 28, 28) in [0, 1]"""
        lot = torch.rand(len(things), generator=rng)
        picked = [self.ink[k][int(u * len(self.ink[k]))] for k, u in zip(things.tolist(), lot.tolist(), strict=True)]
        return lifted(torch.stack(picked).float() / 255, things >= DIGITS)


def clear(spec: DataSpec, x: Tensor, labels: Tensor) -> Tensor:
    """Which pictures the feature network is SURE of, or the surer half of their class.  (N, 1, 28, 28) uint8, (N,) -> (N,) bool"""
    sure = extractor(spec).read(x)[1].softmax(1).gather(1, labels[:, None]).squeeze(1)
    kept = torch.zeros(len(x), dtype=torch.bool)
    for k in labels.unique():
        mine = labels == k
        kept[mine] = sure[mine] >= sure[mine].quantile(0.5).clamp(max=SURE)
    return kept


def lifted(ink: Tensor, is_garment: Tensor) -> Tensor:
    """Garments at full contrast, their dark parts lifted."""
    fullest = ink.flatten(1).quantile(0.95, dim=1).clamp(min=0.2).view(-1, 1, 1, 1)
    return torch.where(is_garment.view(-1, 1, 1, 1), (ink / fullest).clamp(max=1) ** LIFT, ink)


def compose(scenes: Sequence[Scene], things: Things, rng: Generator) -> Tensor:
    """-> (N, 3, 64, 64) in [-1, 1]"""
    n = len(scenes)
    which = torch.tensor([s.thing for s in scenes])
    frames = torch.tensor([FRAME[s.layout] for s in scenes])
    left = torch.tensor([PAIR[0] if s.layout is Layout.TWO else CENTRE[s.layout] for s in scenes])
    ink = placed(things.some(which, rng), frames, left, rng)
    pairs = torch.tensor([i for i, s in enumerate(scenes) if s.layout is Layout.TWO], dtype=torch.int64)
    if len(pairs):
        right = torch.full((len(pairs),), PAIR[1])
        ink[pairs] = torch.maximum(ink[pairs], placed(things.some(which[pairs], rng), frames[pairs], right, rng))
    colour, ground = (coloured(names, rng) for names in ([s.colour for s in scenes], [s.ground for s in scenes]))
    return (ground + (colour - ground) * ink).clamp(-1, 1).view(n, 3, SIDE, SIDE)


def placed(ink: Tensor, frames: Tensor, left: Tensor, rng: Generator) -> Tensor:
    """Things moved into their places.  (N, 1, 28, 28), (N,), (N,) -> (N, 1, 64, 64)"""
    n = len(ink)
    size = frames * (1 + SIZES * (2 * torch.rand(n, generator=rng) - 1))
    x, y = (LOOSE * (2 * torch.rand(n, generator=rng) - 1) for _ in range(2))
    nothing = torch.zeros(n)
    towards = torch.stack([1 / size, nothing, -(left + x) / size, nothing, 1 / size, -y / size], dim=1).view(n, 2, 3)
    return grid_sample(ink, affine_grid(towards, [n, 1, SIDE, SIDE], align_corners=False), mode="bilinear", align_corners=False)


def coloured(names: Sequence[str], rng: Generator) -> Tensor:
    """Shades of the colours named.  -> (N, 3, 1, 1) in [-1, 1]"""
    rgb = torch.tensor([COLOURS[name] for name in names], dtype=torch.float32)
    rgb = rgb + TINT * (2 * torch.rand(rgb.shape, generator=rng) - 1)
    return (rgb.clamp(0, 255) / 127.5 - 1).view(-1, 3, 1, 1)


def all_scenes(lot_layouts: Sequence[Layout] = tuple(Layout)) -> list[Scene]:
    """One scene of every thing in every layout, the colours in turn: an examination that leaves nothing out."""
    names = list(COLOURS)
    return [
        Scene(thing, names[i % len(names)], names[(i + 1 + i // len(names) % (len(names) - 1)) % len(names)], layout)
        for i, (thing, layout) in enumerate((t, layout) for t in range(THINGS) for layout in lot_layouts)
    ]

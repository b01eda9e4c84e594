"""Whether pictures show what was asked for: the feature networks read the thing, colours and places are measured in the pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

from aigc.data import spec
from aigc.evaluate.features import extractor
from aigc.pretrained.teach.pictures.captions import chinese, english
from aigc.pretrained.teach.pictures.compose import CENTRE, FRAME, LIFT, PAIR, SIDE
from aigc.pretrained.teach.pictures.scenes import COLOURS, DIGITS, Layout, Scene

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

STEPS, GUIDANCE = 20, 7.5
BATCH = 32
BORDER = 3  # pixels at the edge, where the ground shows
NAMES = tuple(COLOURS)
PALETTE = torch.tensor([COLOURS[name] for name in NAMES], dtype=torch.float32) / 255


@dataclass(frozen=True)
class Followed:
    """(N,) bool each: what of the prompt is there."""

    thing: Tensor
    colour: Tensor
    ground: Tensor
    layout: Tensor

    @property
    def whole(self) -> Tensor:
        return self.thing & self.colour & self.ground & self.layout

    def shares(self) -> dict[str, float]:
        parts = {"thing": self.thing, "colour": self.colour, "ground": self.ground, "layout": self.layout, "whole": self.whole}
        return {name: float(100 * part.double().mean()) for name, part in parts.items()}


def prompts(scenes: Sequence[Scene], seed: int = 0) -> list[str]:
    """Every scene said in full, English and Chinese in turn."""
    lot = Random(seed)
    return [(chinese if i % 2 else english)(scene, lot) for i, scene in enumerate(scenes)]


def drawn(pipe: StableDiffusionPipeline, asked: Sequence[str], seed: int = 0, steps: int = STEPS, guidance: float = GUIDANCE) -> Iterator[Tensor]:
    """Pictures of the prompts, a batch at a time.  -> (B, 3, 64, 64) in [0, 1]"""
    rng = Generator().manual_seed(seed)
    pipe.set_progress_bar_config(disable=True)
    for start in range(0, len(asked), BATCH):
        some = list(asked[start : start + BATCH])
        yield pipe(some, num_inference_steps=steps, guidance_scale=guidance, generator=rng, output_type="pt").images.float().cpu()


def followed(x: Tensor, scenes: Sequence[Scene]) -> Followed:
    """Reads pictures (N, 3, 64, 64) in [0, 1] that should show the scenes."""
    ground = ground_of(x)
    ink, colour = ink_of(x, ground)
    return Followed(
        thing=torch.tensor([a == s.thing for a, s in zip(things(ink, scenes), scenes, strict=True)]),
        colour=torch.tensor([nearest(c) == s.colour for c, s in zip(colour, scenes, strict=True)]),
        ground=torch.tensor([nearest(g) == s.ground for g, s in zip(ground, scenes, strict=True)]),
        layout=torch.tensor([layout_of(i) is s.layout for i, s in zip(ink[:, 0], scenes, strict=True)]),
    )


def ground_of(x: Tensor) -> Tensor:
    """The median colour of the border.  -> (N, 3)"""
    edge = torch.ones(SIDE, SIDE, dtype=torch.bool)
    edge[BORDER:-BORDER, BORDER:-BORDER] = False
    return x[:, :, edge].median(-1).values


def ink_of(x: Tensor, ground: Tensor) -> tuple[Tensor, Tensor]:
    """How much ink is where (N, 1, H, W), and its colour (N, 3): that of the pixels least like the ground."""
    away = x - ground[:, :, None, None]
    far = away.square().sum(1).flatten(1)  # (N, H * W)
    most = far.topk(40, dim=1).indices
    colour = x.flatten(2).gather(2, most[:, None].expand(-1, 3, -1)).median(-1).values
    towards = (colour - ground)[:, :, None, None]
    return ((away * towards).sum(1, keepdim=True) / towards.square().sum(1, keepdim=True).clamp(min=1e-4)).clamp(0, 1), colour


def nearest(colour: Tensor) -> str:
    return NAMES[int((PALETTE - colour).square().sum(1).argmin())]


def layout_of(ink: Tensor) -> Layout:
    """Where the ink is.  (H, W) -> one of the layouts"""
    columns, half = ink.sum(0), SIDE // 2
    total = float(columns.sum()) + 1e-6
    left, gap = float(columns[:half].sum()) / total, float(columns[half - 2 : half + 2].sum()) / total
    tall = int((ink.amax(1) > 0.4).sum())  # pixels: a thing alone in the middle is taller than any of a pair, or lies across the gap
    if gap > 0.06 or tall > 0.55 * SIDE:
        return Layout.ONE
    return Layout.LEFT if left > 0.9 else Layout.RIGHT if left < 0.1 else Layout.TWO


def things(ink: Tensor, scenes: Sequence[Scene]) -> list[int]:
    """What the networks read in each picture's frames, -1 where the two of a pair are read differently."""
    networks = {False: extractor(spec("mnist")), True: extractor(spec("fashion-mnist"))}
    frames = [(i, at) for i, s in enumerate(scenes) for at in (PAIR if s.layout is Layout.TWO else (CENTRE[s.layout],))]
    seen: dict[int, set[int]] = {i: set() for i in range(len(scenes))}
    for is_garment, network in networks.items():
        mine = [(i, at) for i, at in frames if (scenes[i].thing >= DIGITS) is is_garment]
        if not mine:
            continue
        cut = framed(ink[[i for i, _ in mine]], [FRAME[scenes[i].layout] for i, _ in mine], [at for _, at in mine])
        read = network.read(((cut ** (1 / LIFT) if is_garment else cut) * 255).round().byte())[1].argmax(1) + DIGITS * is_garment
        for (i, _), thing in zip(mine, read.tolist(), strict=True):
            seen[i].add(thing)
    return [found.pop() if len(found := seen[i]) == 1 else -1 for i in range(len(scenes))]


def framed(ink: Tensor, frames: Sequence[float], left: Sequence[float]) -> Tensor:
    """What stands in each thing's own frame, as its 28 x 28 pixels.  (N, 1, 64, 64) -> (N, 1, 28, 28)"""
    n, nothing = len(ink), torch.zeros(len(ink))
    size, x = torch.tensor(frames), torch.tensor(left)
    towards = torch.stack([size, nothing, x, nothing, size, nothing], dim=1).view(n, 2, 3)
    finer = grid_sample(ink, affine_grid(towards, [n, 1, 56, 56], align_corners=False), align_corners=False)
    return avg_pool2d(finer, 2)

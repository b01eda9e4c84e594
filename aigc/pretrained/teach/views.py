"""Coloured pictures that the small picture models learn from: real faces, real garments and digits in colours, and textures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from aigc.data.load import load
from aigc.pretrained.textures import TEXTURES, texture

SIDE = 64
FACES, SMALL = "fairface64", ("mnist", "fashion-mnist")
TEXTURES_EACH = 40  # of a family
TEXTURE_SIDE = 128  # a texture is made once and seen through many windows


class Views:
    """Draws uint8 pictures (n, 3, SIDE, SIDE) of each kind, the same ones for the same `rng`.  Raises Refusal where a dataset is missing."""

    def __init__(self, seed: int, part: str = "train"):
        sets = [load(name) for name in (FACES, *SMALL)]
        self.faces, *self.small = [s.x if part == "train" else s.test_x for s in sets]
        self.labels = [s.labels if part == "train" else s.test_labels for s in sets[1:]]
        seeds = np.random.default_rng([seed, part == "train"]).integers(0, 2**31, TEXTURES_EACH)
        made = [np.asarray(texture(name, TEXTURE_SIDE, int(s))) for name in TEXTURES for s in seeds]
        self.textures = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).contiguous()
        self.kinds = torch.arange(len(TEXTURES)).repeat_interleave(TEXTURES_EACH)

    def some_faces(self, n: int, rng: Generator) -> Tensor:
        return flipped(self.faces[torch.randint(len(self.faces), (n,), generator=rng)], rng)

    def some_textures(self, n: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """(windows of textures, which family each is of)"""
        which = torch.randint(len(self.textures), (n,), generator=rng)
        corners = torch.randint(TEXTURE_SIDE - SIDE + 1, (n, 2), generator=rng).tolist()
        windows = [self.textures[i, :, y : y + SIDE, x : x + SIDE] for i, (y, x) in zip(which.tolist(), corners, strict=True)]
        return flipped(torch.stack(windows), rng), self.kinds[which]

    def some_things(self, n: int, rng: Generator) -> Tensor:
        """Digits and garments, one in each quarter, in random colours on a random ground."""
        ground, ink = (torch.rand(n, 3, 1, 1, generator=rng) for _ in range(2))
        mask = torch.zeros(n, 1, SIDE, SIDE)
        half = SIDE // 2
        for i, (top, left) in enumerate(((0, 0), (0, half), (half, 0), (half, half))):
            data = self.small[i % 2]
            picked = data[torch.randint(len(data), (n,), generator=rng)]
            y, x = torch.randint(0, half - picked.shape[-1] + 1, (2,), generator=rng).tolist()
            mask[:, :, top + y : top + y + picked.shape[-2], left + x : left + x + picked.shape[-1]] = picked / 255
        return ((ground + (ink - ground) * mask) * 255).round().byte()

    def named_things(self, n: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """One digit or garment twice its size, in a random colour before a pale texture; 0..9 digits, 10..19 garments.  (pictures, names)"""
        ground = 160 + self.some_textures(n, rng)[0].float() * (95 / 255)
        ink = torch.rand(n, 3, 1, 1, generator=rng) * 140
        mask, names = torch.zeros(n, 1, SIDE, SIDE), torch.zeros(n, dtype=torch.int64)
        for i, (data, labels) in enumerate(zip(self.small, self.labels, strict=True)):
            rows = torch.arange(i, n, len(self.small))
            which = torch.randint(len(data), (len(rows),), generator=rng)
            large = interpolate(data[which].float() / 255, scale_factor=2, mode="bilinear", align_corners=False)
            y, x = torch.randint(0, SIDE - large.shape[-1] + 1, (2,), generator=rng).tolist()
            mask[rows, :, y : y + large.shape[-2], x : x + large.shape[-1]] = large
            if labels is not None:
                names[rows] = 10 * i + labels[which]
        return (ground + (ink - ground) * mask).round().byte(), names


def flipped(x: Tensor, rng: Generator) -> Tensor:
    """Half of the pictures, mirrored."""
    return torch.where(torch.rand(len(x), 1, 1, 1, generator=rng) < 0.5, x.flip(-1), x)

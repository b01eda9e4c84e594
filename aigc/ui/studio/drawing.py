"""A person's drawing or photograph as the dataset would show it: its size, its black ground, its place in the frame."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from aigc.data import DataSpec
from aigc.data.pictures import open_picture, square
from aigc.ui.markup import png_in
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from torch import Tensor

PAD = 280  # pixels of the drawing pad
MOST_BYTES = 300_000
INK = 0.1  # what is brighter belongs to the drawing
SHADOWS = 0.25  # of the range between ground and ink: uneven light on paper
LOOKED_AT = 500  # images, to learn where a dataset puts things

EMPTY = both("Draw something first.", "请先画点什么。")
UNREADABLE = both("This drawing could not be read: clear the pad and draw again.", "无法读取这幅画：请清空后重画。")


@dataclass(frozen=True)
class Habits:
    """Where a dataset of bright strokes on black puts them, as shares of the side: the length of the drawing, its centre of mass."""

    length: float
    centre: tuple[float, float]

    @staticmethod
    def of(x: np.ndarray) -> Habits | None:
        """From uint8 (N, C, H, W); None for colours, or where the ground is not black: then nothing is moved."""
        if x.shape[1] != 1 or not len(x):
            return None
        images = x[:LOOKED_AT, 0].astype(np.float32) / 255
        edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
        if np.quantile(edge, 0.6) > INK:
            return None
        drawn = [i for i in images if (i > INK).any()]
        lengths = [max(bottom - top, right - left) for top, bottom, left, right in map(_box, drawn)]
        centres = np.array([_centre(i) for i in drawn])
        side = images.shape[-1]
        return Habits(float(np.median(lengths)) / side, (float(np.median(centres[:, 0])) / side, float(np.median(centres[:, 1])) / side))


def from_pad(address: object, spec: DataSpec, habits: Habits | None) -> Tensor:
    """The pad's PNG, in a data address, as an image of the dataset.  -> (1, C, H, W) in [0, 1].  Raises Refusal."""
    if (raw := png_in(address, MOST_BYTES)) is None:
        raise Refusal(EMPTY if not address else UNREADABLE)
    try:
        with open_picture(io.BytesIO(raw)) as picture:
            pixels = square(picture, PAD)
    except (ValueError, Refusal) as error:
        raise Refusal(UNREADABLE) from error
    if pixels.max() < 255 * INK:
        raise Refusal(EMPTY)
    return fitted(pixels, spec, habits)


def from_file(path: object, spec: DataSpec, habits: Habits | None) -> Tensor:
    """An uploaded photograph as an image of the dataset; ink on paper becomes light on black.  Raises Refusal."""
    if not isinstance(path, str) or not path:
        raise Refusal(both("Choose a picture first.", "请先选一张图像。"))
    try:
        with Path(path).open("rb") as file, open_picture(file) as picture:
            pixels = square(picture, PAD)
    except (OSError, Refusal) as error:
        why = error.words if isinstance(error, Refusal) else both("not readable", "不可读")
        raise Refusal(both("This file is {why}.", "这个文件{why}。"), why=why) from error
    return fitted(_developed(pixels) if habits else pixels, spec, habits)


def _developed(photo: np.ndarray) -> np.ndarray:
    """Ink on paper, or light on dark, as light on black: the ground becomes black however grey it was photographed."""
    grey = np.asarray(Image.fromarray(photo).convert("L"), np.float32)
    if np.median(grey) > 127:
        grey = 255 - grey
    ground, brightest = float(np.median(grey)), float(grey.max())
    ground += SHADOWS * (brightest - ground)
    clear = ((grey - ground) / max(brightest - ground, 1.0)).clip(0, 1) * 255
    return np.repeat(clear.astype(np.uint8)[..., None], 3, axis=2)


def fitted(pixels: np.ndarray, spec: DataSpec, habits: Habits | None) -> Tensor:
    """RGB (S, S, 3) uint8 -> (1, C, H, W): averaged over areas, and with `habits` placed as the dataset places things."""
    import torch

    channels, height, width = spec.shape
    image = Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
    if habits:
        out = _placed(np.asarray(image, np.float32) / 255, habits, height, width)[..., None]
    else:
        out = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32).reshape(height, width, channels) / 255
    return torch.from_numpy(np.ascontiguousarray(out.transpose(2, 0, 1)))[None]


def _placed(grey: np.ndarray, habits: Habits, height: int, width: int) -> np.ndarray:
    """(S, S) in [0, 1] -> (H, W): the drawing at the usual length, its centre of mass at the usual place."""
    if not (grey > INK).any():
        return np.zeros((height, width), np.float32)
    top, bottom, left, right = _box(grey)
    scale = habits.length * min(height, width) / max(bottom - top, right - left)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    crop = Image.fromarray((grey[top:bottom, left:right] * 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    small = np.asarray(crop, np.float32) / 255
    row, column = _centre(small)
    y, x = (round(c * side - at) for c, side, at in zip(habits.centre, (height, width), (row, column), strict=True))
    y, x = int(np.clip(y, 0, max(0, height - small.shape[0]))), int(np.clip(x, 0, max(0, width - small.shape[1])))
    out = np.zeros((height, width), np.float32)
    part = small[:height, :width]
    out[y : y + part.shape[0], x : x + part.shape[1]] = part
    return out


def _box(image: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is drawn, the ends not included."""
    rows, columns = np.nonzero((image > INK).any(1))[0], np.nonzero((image > INK).any(0))[0]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _centre(image: np.ndarray) -> tuple[float, float]:
    """Centre of mass (row, column), pixel middles at half numbers."""
    mass = image.sum()
    rows, columns = np.arange(image.shape[0]) + 0.5, np.arange(image.shape[1]) + 0.5
    return float(image.sum(1) @ rows / mass), float(image.sum(0) @ columns / mass)

"""Pictures from outside: looked at before they are decoded, then made square."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from aigc.words import Refusal, both

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_SIDE = 8192
MOST_PIXELS = 16 * 1024**2  # a header of 20 kB can ask for gigabytes
MOST_PIXELS_JPEG = 64 * 1024**2  # a phone's photograph: decoded at a fraction of its size, it takes a few megabytes
LEAST_SIDE = 8

NOT_A_PICTURE = both("not a PNG, JPEG or WebP picture", "不是 PNG、JPEG 或 WebP 图像")
TOO_LARGE = both(
    "larger than 16 megapixels (64 for a JPEG that is not progressive), or than {side} pixels on one side",
    "超过 1600 万像素（非渐进式 JPEG 为 6400 万），或某一边超过 {side} 像素",
).fill(side=MOST_SIDE)  # fmt: skip
TOO_SMALL = both("smaller than {side} pixels on one side", "某一边不足 {side} 像素").fill(side=LEAST_SIDE)
ANIMATED = both("an animation: only still pictures can be used", "是动画：只能使用静态图像")
BROKEN = both("damaged or cut short", "已损坏或不完整")


def open_picture(file: Path | BinaryIO) -> Image.Image:
    """The picture, its pixels not read yet: `square` reads them.  Raises Refusal, whose words finish the sentence "this file is ..."."""
    try:
        picture = Image.open(file, formats=FORMATS)
        frames = getattr(picture, "n_frames", 1)
    except Image.DecompressionBombError as error:
        raise Refusal(TOO_LARGE) from error
    except Exception as error:  # the header readers raise nearly anything when fed rubbish
        raise Refusal(NOT_A_PICTURE) from error
    width, height = picture.size
    if max(width, height) > MOST_SIDE or width * height > _most_pixels(picture):
        raise Refusal(TOO_LARGE)
    if min(width, height) < LEAST_SIDE:
        raise Refusal(TOO_SMALL)
    if frames > 1 and picture.format != "MPO":  # MPO: a phone's JPEG with a depth or brightness map behind the photograph
        raise Refusal(ANIMATED)
    return picture


def _most_pixels(picture: Image.Image) -> int:
    """A progressive JPEG is held in full, however small it is decoded."""
    small = picture.format in ("JPEG", "MPO") and not picture.info.get("progressive")
    return MOST_PIXELS_JPEG if small else MOST_PIXELS


def square(picture: Image.Image, side: int) -> np.ndarray:
    """The middle of the picture as an RGB square.  -> uint8 (side, side, 3); transparent parts turn white, 16 bits turn 8.

    Raises Refusal when the pixels cannot be read.
    """
    try:
        picture.draft(None, (2 * side, 2 * side))  # a JPEG is decoded no larger than needed: ten times faster for photographs
        upright = _rgb(ImageOps.exif_transpose(picture))
        edge = min(upright.size)
        left, top = (upright.width - edge) // 2, (upright.height - edge) // 2
        middle = upright.crop((left, top, left + edge, top + edge))
        return np.asarray(middle.resize((side, side), Image.Resampling.LANCZOS))
    except Exception as error:  # so do the decoders
        raise Refusal(BROKEN) from error


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits; Pillow's own conversion clips where it should scale
        picture = Image.fromarray((np.asarray(picture, np.uint32) >> 8).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")

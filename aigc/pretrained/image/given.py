"""Pictures and masks that somebody hands in: opened without trust, and brought to a size that a model admits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps, features

from aigc.outputs.labels import unmarked
from aigc.outputs.pictures import plain
from aigc.words import Refusal, both

FORMATS = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", *(["AVIF"] if features.check("avif") else [])]  # type: ignore[no-untyped-call]
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands of files that begin as AVIF does
MOST_PIXELS = 50_000_000  # of a file; decoding more takes too much memory
LEAST_SIDE = 8
MARKED = 128  # a mask's pixel is repainted from this value on

NO_PICTURE = both("This file is not a picture that can be read; PNG, JPEG and WebP can.", "这个文件不是能读取的图像；支持 PNG、JPEG 和 WebP。")
NO_HEIC = both(
    "This is a HEIC picture, as some phones save them, which cannot be read here: save it as JPEG first.",
    "这是 HEIC 图像（部分手机的默认格式），这里无法读取：请先存为 JPEG。",
)
TOO_LARGE = both("This picture has {n} million pixels; at most {most} million can be read.", "这张图像有 {n} 百万像素；最多能读 {most} 百万。")
TOO_SMALL = both(
    "This picture is {w} × {h} pixels; at least {least} × {least} are needed.", "这张图像只有 {w} × {h} 像素；至少要 {least} × {least}。"
)


def picture(path: str | Path) -> Image.Image:
    """A file as an RGB picture, turned as its camera meant; transparency becomes white, the strip of what was made here goes.  Raises Refusal."""
    return _opened(path, checked)


def mask(path: str | Path) -> Image.Image:
    """A file for `mask_of`, with what is transparent in it.  Raises Refusal."""

    def whole(found: Image.Image) -> Image.Image:
        checked(found)
        return ImageOps.exif_transpose(unmarked(found)).copy()

    return _opened(path, whole)


def _opened(path: str | Path, read: Callable[[Image.Image], Image.Image]) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as found:
                return read(found)
    except Image.DecompressionBombError:
        raise Refusal(TOO_LARGE, n=">178", most=MOST_PIXELS // 10**6) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise Refusal(NO_HEIC if _is_heic(path) else NO_PICTURE) from None


def _is_heic(path: str | Path) -> bool:
    try:
        with Path(path).open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[4:8] == b"ftyp" and head[8:] in HEIC


def checked(image: Image.Image) -> Image.Image:
    """An opened picture as RGB.  Raises Refusal before anything large is decoded."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Refusal(TOO_LARGE, n=round(width * height / 1e6), most=MOST_PIXELS // 10**6)
    if min(width, height) < LEAST_SIDE:
        raise Refusal(TOO_SMALL, w=width, h=height, least=LEAST_SIDE)
    image.load()  # what a PNG says of itself may stand at its end
    return plain(ImageOps.exif_transpose(unmarked(image))).convert("RGB")


def mask_of(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """What is white (or painted over, where the rest is transparent) as an L picture of 0 and 255.  Raises Refusal for an empty one."""
    painted = image.getchannel("A") if image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema()[0] == 0 else image.convert("L")
    mask = painted.resize(size, Image.Resampling.BILINEAR).point(lambda v: 255 if v >= MARKED else 0)
    if mask.getbbox() is None:
        raise Refusal(both("Nothing is marked: paint over what should change.", "没有标出任何地方：请涂出要重绘的部分。"))
    return mask


def widened(mask: Image.Image, by: int) -> Image.Image:
    """The largest value within a square of `by` pixels around each; along rows, then along columns, so that wide ones are quick too."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d

    values = np.asarray(mask)
    for axis in (0, 1):
        values = maximum_filter1d(values, 2 * by + 1, axis, mode="nearest")
    return Image.fromarray(values)


def softened(mask: Image.Image, grow: int, soften: int) -> Image.Image:
    """The mask widened by `grow` pixels, with an edge that fades outwards over `soften`."""
    if grow:
        mask = widened(mask, grow)
    if soften:
        reach = widened(mask, soften)
        fading = Image.composite(mask.filter(ImageFilter.GaussianBlur(soften / 2)), Image.new("L", mask.size), reach)
        mask = Image.composite(mask, fading, mask)
    return mask


def joined(new: Image.Image, old: Image.Image, mask: Image.Image) -> Image.Image:
    """`new` where the mask is white, the old pixels untouched where it is black."""
    return Image.composite(new.resize(old.size), old, mask)


def extended(image: Image.Image, left: int, right: int, top: int, bottom: int, step: int) -> tuple[Image.Image, Image.Image]:
    """The picture on a larger canvas, its edges drawn out into the new room, and the mask of that room.

    The canvas is rounded up to multiples of `step`: what is missing is added on the sides that are extended.
    """
    import numpy as np

    right, left = _rounded(image.width, left, right, step)
    bottom, top = _rounded(image.height, top, bottom, step)
    if not left + right + top + bottom:
        raise Refusal(both("Say on which side the picture should be extended.", "请指定往哪一侧扩展。"))
    array = np.asarray(image)
    canvas = Image.fromarray(np.pad(array, ((top, bottom), (left, right), (0, 0)), mode="edge"))
    mask = Image.new("L", canvas.size, 255)
    mask.paste(0, (left, top, left + image.width, top + image.height))
    return canvas, mask


def _rounded(side: int, before: int, after: int, step: int) -> tuple[int, int]:
    """-> after, before: the side with them is a multiple of `step`."""
    missing = -(side + before + after) % step
    return (after + missing, before) if after or not before else (after, before + missing)

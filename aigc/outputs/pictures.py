"""Images as people look at them: sheets of enlarged, crisp pixels, and clouds of points."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from aigc.outputs import labels
from aigc.outputs.files import write
from aigc.words import Words

SHEET_SIDE = 640  # pixels that a sheet is enlarged towards
CHINESE_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "PingFang.ttc", "STHeiti Light.ttc", "msyh.ttc", "wqy-microhei.ttc",
)  # fmt: skip
GENERATED, REAL = (44, 110, 180), (150, 150, 150)


def picture(
    image: Image.Image, *, made: bool, note: dict[str, Any] | None = None, name: str = "samples.png", to: Path | None = None, partly: bool = False
) -> Path:
    """A PNG file to download.  `made`: whether anything in it was generated; then it says so.  `note`: how it was made.
    `partly`: it was made of a picture that was handed in."""
    return write(png(image, made=made, note=note, partly=partly), name, to)


def png(image: Image.Image, *, made: bool, note: dict[str, Any] | None = None, partly: bool = False) -> bytes:
    """The content of a PNG file; see `picture`."""
    image = plain(image)
    info = PngInfo()
    if made:
        own, image = image.size, labels.marked(image)
        info.add_itxt("XML:com.adobe.xmp", labels.xmp(labels.label(image.tobytes()), own, _source(partly)).decode())
    if note is not None:
        info.add_itxt("parameters", labels.parameters(note))
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info, optimize=True)
    return out.getvalue()


def on_screen(image: Image.Image, kind: str, *, partly: bool = False, **how: Any) -> bytes:
    """A generated picture as a page shows it, PNG or WEBP: the words stand beside it there, and whoever saves it has the label in the file.

    The same picture is the same bytes: its number is made of its pixels.
    """
    content = image.tobytes()
    packet = labels.xmp(labels.label(content, hashlib.sha256(content).hexdigest()[:32]), source=_source(partly))
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        how["pnginfo"] = info
    else:
        how["xmp"] = packet
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def _source(partly: bool) -> str:
    return labels.PARTLY_BY_AI if partly else labels.MADE_BY_AI


def intact(path: Path, label: dict[str, str]) -> bool:
    """Whether the pixels of a picture are the ones its label vouches for."""
    with Image.open(path, formats=["PNG"]) as image:
        return label.get("ReservedCode1") == "sha256:" + hashlib.sha256(image.tobytes()).hexdigest()


def sheet(
    images: Any, captions: Sequence[str | Words] | None = None, *, columns: int = 0, scale: int = 0, letters: int = 0, lang: str = "en"
) -> Image.Image:
    """Images (N, C, H, W), float in [0, 1] or uint8, tiled and enlarged by whole pixels; a caption below each, `letters` pixels high."""
    tiles = as_uint8(images)
    count, _, height, width = tiles.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    scale = scale or max(1, SHEET_SIDE // (columns * width))
    gap, tile_w, tile_h = max(1, scale // 2), width * scale, height * scale
    size = letters or max(10, tile_h // 7)
    below = size + 4 if captions else 0
    canvas = Image.new("RGB", (columns * (tile_w + gap) + gap, rows * (tile_h + below + gap) + gap), (255, 255, 255))
    for index, tile in enumerate(tiles):
        x, y = gap + index % columns * (tile_w + gap), gap + index // columns * (tile_h + below + gap)
        canvas.paste(as_image(tile).resize((tile_w, tile_h), Image.Resampling.NEAREST), (x, y))
        if captions and index < len(captions):
            _write_below(canvas, captions[index], (x + tile_w // 2, y + tile_h + below // 2), size, tile_w, lang)
    return canvas.convert("L") if tiles.shape[1] == 1 else canvas


def drawn(samples: Any, captions: Sequence[str | Words] | None = None, *, columns: int = 0, lang: str = "en") -> Image.Image:
    """Samples of either kind as a picture: images (N, C, H, W) on a sheet, points (N, 2) as dots."""
    return scatter(samples) if samples.ndim == 2 else sheet(samples, captions, columns=columns, lang=lang)


def scatter(points: Any, real: Any = None, *, side: int = SHEET_SIDE) -> Image.Image:
    """Points (N, 2) as dots on white, real ones grey behind them; the square shown holds all of them."""
    clouds = [(np.asarray(_on_cpu(p), dtype=np.float64), c) for p, c in ((real, REAL), (points, GENERATED)) if p is not None]
    finite = [(p[np.isfinite(p).all(1)], c) for p, c in clouds]
    reach = max([2.0, *(float(np.abs(p).max()) for p, _ in finite if len(p))]) * 1.05
    canvas = Image.new("RGB", (side, side), (255, 255, 255))
    draw = ImageDraw.Draw(canvas)
    for cloud, colour in finite:
        for x, y in (cloud * [1, -1] / reach + 1) * side / 2:
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    return canvas


def as_uint8(images: Any) -> np.ndarray:
    """(N, C, H, W) of any kind, float in [0, 1] or uint8 -> uint8 array."""
    array = np.asarray(_on_cpu(images))
    if array.dtype == np.uint8:
        return array
    return (np.nan_to_num(array.astype(np.float32)).clip(0, 1) * 255).round().astype(np.uint8)


def as_image(tile: np.ndarray) -> Image.Image:
    """(C, H, W) uint8 -> a picture, grey if C is 1."""
    return Image.fromarray(tile[0] if len(tile) == 1 else np.ascontiguousarray(tile.transpose(1, 2, 0)))


def plain(image: Image.Image) -> Image.Image:
    """Grey or RGB, whatever it was; transparency becomes white."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I;16"):  # Pillow would cut off what is above 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    canvas = Image.new("RGB", image.size, (255, 255, 255))
    rgba = image.convert("RGBA")
    canvas.paste(rgba, mask=rgba.getchannel("A"))
    return canvas


def _on_cpu(values: Any) -> Any:
    return values.detach().cpu() if hasattr(values, "detach") else values


def _write_below(canvas: Image.Image, caption: str | Words, centre: tuple[int, int], size: int, width: int, lang: str) -> None:
    words = caption[lang] if isinstance(caption, Words) else caption
    font = _font(size, words)
    if font is None:
        words, font = str(caption), ImageFont.load_default(size)
    while len(words) > 1 and font.getlength(words) > width:
        words = words[:-2] + "…"
    ImageDraw.Draw(canvas).text(centre, words, fill=(60, 60, 60), font=font, anchor="mm")


def _font(size: int, words: str) -> Any:
    """A font that has these characters, or None: Pillow's own has no Chinese."""
    if words.isascii() or all(ord(c) < 0x2E80 for c in words):
        return ImageFont.load_default(size)
    for name in CHINESE_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None

"""Textures made by formulas, in random colours: styles to choose from with nothing downloaded, and what the style network learns from."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from aigc.words import Words, both

Rng = np.random.Generator
Palette = np.ndarray  # (5, 3) in 0..1, dark to light
PAPER = np.array([0.96, 0.93, 0.87], np.float32)
FINER = 2  # everything is made so many times larger and shrunk, which smooths its edges


def noise(rng: Rng, side: int, coarse: int) -> np.ndarray:
    """Smooth noise in 0..1, (side, side): `coarse` bumps along a side and four finer octaves."""
    total = np.zeros((side, side), np.float32)
    for octave in range(4):
        grid = rng.random((coarse * 2**octave + 3,) * 2, dtype=np.float32)
        total += np.asarray(Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)) / 2**octave
    return (total - total.min()) / (np.ptp(total) + 1e-6)


def palette(rng: Rng) -> Palette:
    """Five colours of two neighbouring or opposite hues."""
    hue, step = rng.random(), rng.choice([0.08, 0.33, 0.5])
    colours = [colorsys.hsv_to_rgb((hue + step * (i % 2) + rng.normal(0, 0.02)) % 1, rng.uniform(0.15, 0.95), 0.15 + 0.2 * i) for i in range(5)]
    return np.array(colours, np.float32)


def shaded(level: np.ndarray, colours: Palette) -> np.ndarray:
    """0..1 (H, W) -> the palette's colours, blended.  (H, W, 3)"""
    place = np.clip(level, 0, 1) * (len(colours) - 1)
    low = np.minimum(place.astype(int), len(colours) - 2)
    share = (place - low)[..., None]
    return colours[low] * (1 - share) + colours[low + 1] * share


def plane(rng: Rng, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates 0..1, turned by a random angle."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    angle = rng.uniform(0, np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def stripes(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    x, _ = plane(rng, side)
    wave = x * rng.integers(5, 16) + rng.uniform(0, 2) * noise(rng, side, 3)
    return colours[(wave * 2).astype(int) % len(colours)]


def checks(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    x, y = plane(rng, side)
    n = rng.integers(6, 16)
    return colours[(np.floor(x * n) + 2 * np.floor(y * n)).astype(int) % len(colours)]


def dots(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """As in halftone print: the darker, the larger."""
    x, y = plane(rng, side)
    n = rng.integers(10, 24)
    distance = np.hypot((x * n) % 1 - 0.5, (y * n) % 1 - 0.5)
    inside = distance < 0.15 + 0.45 * noise(rng, side, 2)
    return np.where(inside[..., None], colours[rng.integers(0, 3)], colours[4])


def mosaic(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """Cells around random points, with joints between them."""
    n = rng.integers(60, 160)
    points = rng.random((n, 2), dtype=np.float32) * side
    y, x = np.mgrid[:side, :side].astype(np.float32)
    nearest, second = np.full((2, side, side), np.inf, np.float32)
    owner = np.zeros((side, side), int)
    for i, (a, b) in enumerate(points):
        distance = np.hypot(x - a, y - b)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        nearest, owner = np.where(closer, distance, nearest), np.where(closer, i, owner)
    cells = colours[rng.integers(1, len(colours), n)] * rng.uniform(0.85, 1.1, (n, 1)).astype(np.float32)
    return np.where((second - nearest < side / 120)[..., None], colours[0], cells[owner])


def marble(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    x, _ = plane(rng, side)
    return shaded(0.5 + 0.5 * np.sin(x * rng.uniform(6, 25) + rng.uniform(4, 12) * noise(rng, side, 3)), colours)


def strokes(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """Short brush strokes that follow a flow."""
    flow, light = noise(rng, side, 2), noise(rng, side, 3)
    canvas = Image.fromarray((255 * shaded(light, colours)).astype(np.uint8))
    draw, length = ImageDraw.Draw(canvas), side * rng.uniform(0.03, 0.09)
    for x, y in rng.integers(0, side, (1500, 2)):
        angle, level = flow[y, x] * 2 * np.pi, np.clip(light[y, x] + rng.normal(0, 0.2), 0, 1)
        ink = tuple(int(255 * c) for c in shaded(np.array(level), colours))
        draw.line((x, y, x + length * np.cos(angle), y + length * np.sin(angle)), ink, max(1, int(side * 0.012)))
    return np.asarray(canvas, np.float32) / 255


def hatching(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """Ink lines on paper, crossed where it is dark."""
    light, n = noise(rng, side, 2), rng.integers(25, 60)
    paper = np.ones((side, side), bool)
    for limit in (0.75, 0.5, 0.3):
        x, _ = plane(rng, side)
        paper &= ((x * n) % 1 > 0.3) | (light > limit)
    return np.where(paper[..., None], PAPER, colours[0])


def scales(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """Rows of arcs that overlap like waves or tiles."""
    n = int(rng.integers(6, 14))
    y, x = np.mgrid[:side, :side].astype(np.float32) / side * n
    level = np.zeros((side, side), int)
    for row in range(-2, 2 * n + 3):
        cx = np.floor(x - 0.5 * (row % 2)) + 0.5 + 0.5 * (row % 2)
        distance = np.hypot(x - cx, y - row / 2)
        level = np.where((distance < 0.7) & (y < row / 2 + 0.01), (distance * 8).astype(int), level)
    return colours[level % len(colours)]


def wash(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """Ink that ran on wet paper."""
    cloud, edge = noise(rng, side, 2), noise(rng, side, 6)
    ink = np.clip((cloud + 0.25 * edge - 0.5) * 3, 0, 1) ** 1.5
    return (PAPER * (1 - ink[..., None]) + colours[0] * ink[..., None]) * (0.96 + 0.04 * noise(rng, side, 40)[..., None])


def shapes(rng: Rng, side: int, colours: Palette) -> np.ndarray:
    """Discs, bars and triangles over each other."""
    canvas = Image.new("RGB", (side, side), tuple(int(255 * c) for c in colours[4]))
    draw = ImageDraw.Draw(canvas)
    for i in range(30):
        x, y, r = (int(v) for v in (*rng.integers(0, side, 2), rng.uniform(0.03, 0.15) * side))
        ink = tuple(int(255 * c) for c in colours[rng.integers(0, 4)])
        if i % 3 == 0:
            draw.ellipse((x - r, y - r, x + r, y + r), ink)
        elif i % 3 == 1:
            draw.line((x, y, *(int(v) for v in rng.integers(0, side, 2))), ink, max(2, r // 6))
        else:
            draw.polygon([(int(x + r * np.cos(a)), int(y + r * np.sin(a))) for a in rng.uniform(0, 2 * np.pi, 3)], ink)
    return np.asarray(canvas, np.float32) / 255


TEXTURES: dict[str, tuple[Words, Callable[[Rng, int, Palette], np.ndarray]]] = {
    "strokes": (both("Brush strokes", "笔触"), strokes),
    "wash": (both("Ink wash", "水墨"), wash),
    "mosaic": (both("Mosaic", "马赛克拼贴"), mosaic),
    "marble": (both("Marble", "大理石纹"), marble),
    "hatching": (both("Hatching", "排线"), hatching),
    "dots": (both("Halftone dots", "网点"), dots),
    "scales": (both("Waves", "青海波"), scales),
    "shapes": (both("Shapes", "几何图形"), shapes),
    "stripes": (both("Stripes", "条纹"), stripes),
    "checks": (both("Checks", "方格"), checks),
}


def texture(name: str, side: int = 256, seed: int = 0) -> Image.Image:
    """The texture of that name; the seed chooses colours and places, the same at every size."""
    rng = np.random.default_rng(seed)
    made = TEXTURES[name][1](rng, side * FINER, palette(rng))
    return Image.fromarray((255 * np.clip(made, 0, 1) + 0.5).astype(np.uint8)).resize((side, side), Image.Resampling.BOX)

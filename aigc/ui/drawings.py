"""Small drawings of how each technique works, in the palette's colours: pixels, funnels and arrows, as SVG that follows light and dark."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 320, 112
DIGIT = ("00287300", "05902950", "00000840", "00048600", "00000860", "00000490", "06800870", "00388300")  # an 8x8 three, 0 to 9
Levels = Sequence[Sequence[float]]


def _digit() -> Levels:
    return [[int(c) / 9 for c in row] for row in DIGIT]


def _noise(seed: int) -> Levels:
    rng = random.Random(seed)
    return [[rng.random() * 0.9 for _ in range(8)] for _ in range(8)]


def _mixed(a: Levels, b: Levels, share: float) -> Levels:
    return [[(1 - share) * x + share * y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]


def _picture(x: float, y: float, side: float, levels: Levels, role: str) -> str:
    """An 8x8 picture whose ink is the role's colour, in a thin frame of it."""
    cell = side / 8
    squares = "".join(
        f'<rect x="{x + j * cell:.1f}" y="{y + i * cell:.1f}" width="{cell:.1f}" height="{cell:.1f}" opacity="{v:.2f}"/>'
        for i, row in enumerate(levels)
        for j, v in enumerate(row)
        if v > 0.03
    )
    frame = f'<rect x="{x - 1}" y="{y - 1}" width="{side + 2}" height="{side + 2}" fill="none" stroke="var(--aigc-{role})" rx="2"/>'
    return f'<g fill="var(--aigc-{role})" shape-rendering="crispEdges">{squares}</g>{frame}'


def _funnel(x: float, middle: float, width: float, left: float, right: float, role: str) -> str:
    """A network: its height is how many numbers pass."""
    corners = f"{x},{middle - left / 2} {x + width},{middle - right / 2} {x + width},{middle + right / 2} {x},{middle + left / 2}"
    return (
        f'<polygon points="{corners}" fill="var(--aigc-{role})" fill-opacity=".14" stroke="var(--aigc-{role})" '
        'stroke-width="1.5" stroke-linejoin="round"/>'
    )


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1} {y1}L{x2} {y2}" stroke="var(--aigc-edge)" stroke-width="1.25" marker-end="url(#aigc-tip)"/>'


def gan() -> str:
    return (
        _picture(6, 36, 40, _noise(1), "noise") + _arrow(50, 56, 64, 56) + _funnel(68, 56, 40, 22, 56, "maker") + _arrow(111, 56, 123, 46)
        + _picture(128, 4, 46, _digit(), "generated") + _picture(128, 62, 46, _digit(), "real")
        + _arrow(179, 30, 204, 46) + _arrow(179, 84, 204, 66) + _funnel(208, 56, 44, 62, 18, "judge") + _arrow(255, 56, 272, 56)
        + '<text x="279" y="52" fill="var(--aigc-real)">✓</text><text x="279" y="72" fill="var(--aigc-generated)">✗</text>'
    )  # fmt: skip


def autoencoder() -> str:
    bars = "".join(
        f'<rect x="150" y="{y}" width="9" height="9" fill="var(--aigc-noise)" opacity="{o}"/>' for y, o in ((40, 0.9), (52, 0.35), (64, 0.7))
    )
    return (
        _picture(8, 30, 52, _digit(), "real") + _arrow(65, 56, 78, 56) + _funnel(82, 56, 50, 60, 34, "maker")
        + _arrow(135, 56, 145, 56) + bars + _arrow(163, 56, 174, 56) + _funnel(178, 56, 50, 34, 60, "maker") + _arrow(232, 56, 246, 56)
        + _picture(252, 30, 52, _mixed(_digit(), _noise(3), 0.08), "generated")
    )  # fmt: skip


def vae() -> str:
    cloud = "".join(f'<circle cx="154" cy="56" r="{r}" fill="var(--aigc-noise)" fill-opacity=".2"/>' for r in (7, 14, 21))
    return (
        _picture(8, 30, 52, _digit(), "real") + _arrow(65, 56, 74, 56) + _funnel(78, 56, 42, 60, 40, "maker") + _arrow(122, 56, 129, 56)
        + cloud + '<circle cx="161" cy="50" r="3" fill="var(--aigc-ink)"/>' + _arrow(178, 56, 186, 56) + _funnel(190, 56, 42, 40, 60, "maker")
        + _arrow(235, 56, 246, 56) + _picture(252, 30, 52, _digit(), "generated")
    )  # fmt: skip


def diffusion() -> str:
    shares, side = (0.0, 0.35, 0.6, 0.82, 1.0), 44
    parts = []
    for i, share in enumerate(shares):
        x = 8 + i * 65
        parts.append(_picture(x, 34, side, _mixed(_noise(2), _digit(), share), "generated" if share > 0.5 else "noise"))
        if i:
            parts.append(_arrow(x - 18, 56, x - 4, 56))
    return "".join(parts)


def _any() -> str:
    return (
        _picture(20, 30, 52, _noise(4), "noise") + _arrow(78, 56, 106, 56) + _funnel(112, 56, 84, 30, 70, "maker") + _arrow(202, 56, 228, 56)
        + _picture(236, 30, 52, _digit(), "generated")
    )  # fmt: skip


DRAWINGS: dict[str, Callable[[], str]] = {"gan": gan, "autoencoder": autoencoder, "vae": vae, "diffusion": diffusion}


def technique(slug: str) -> str:
    """The drawing of a technique; one that has none of its own is noise, a network, and what comes out."""
    tip = (
        '<defs><marker id="aigc-tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L6 3L0 6z" fill="var(--aigc-edge)"/></marker></defs>'
    )
    inner = DRAWINGS.get(slug, _any)()
    return f'<svg class="aigc-drawing" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" font-size="18">{tip}{inner}</svg>'

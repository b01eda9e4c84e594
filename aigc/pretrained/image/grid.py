"""X/Y grid: one picture for every pair of values of two settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from aigc.knobs import as_values, knobs
from aigc.pretrained.grid import Axis, Grid, filled, pairs
from aigc.pretrained.image.asked import SETTINGS, Asked, Settings

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.image.make import Shot

NOT_AXES = ("count", "width", "height", "side", "times", "left", "right", "top", "bottom")  # a grid's pictures are single and of one size


def crossed(make: Callable[[Asked], Iterator[Shot]], asked: Asked, x: Axis, y: Axis) -> Iterator[Grid[Shot, Image]]:
    """Raises Refusal before the first picture if any cell asks for nonsense."""
    yield from filled(x, y, cells(asked, x, y), lambda settings: make(replace(asked, settings=settings)), lambda shot: shot.images[0])


def cells(asked: Asked, x: Axis, y: Axis) -> list[Settings]:
    """The settings of every cell.  Raises Refusal if any of them is nonsense."""
    kind = SETTINGS[asked.verb]
    same = as_values(asked.settings) | ({"count": 1} if "count" in knobs(kind) else {})
    return pairs(kind, same, x, y)

"""X/Y grid: one picture for every pair of values of two settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from aigc.knobs import as_values, knobs
from aigc.pretrained.grid import Axis, Grid, filled, pairs
from aigc.pretrained.image.asked import SETTINGS, Asked, Settings

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.image.kit import Kit
    from aigc.pretrained.image.make import Shot

NOT_AXES = ("count", "width", "height", "left", "right", "top", "bottom")  # a grid's pictures are single and of one size


def crossed(kit: Kit, asked: Asked, x: Axis, y: Axis, stop: threading.Event) -> Iterator[Grid[Shot, Image]]:
    """Raises Refusal before the first picture if any cell asks for nonsense."""
    from aigc.pretrained.image.make import made

    yield from filled(x, y, cells(asked, x, y), lambda settings: made(kit, replace(asked, settings=settings), stop), lambda shot: shot.images[0])


def cells(asked: Asked, x: Axis, y: Axis) -> list[Settings]:
    """The settings of every cell.  Raises Refusal if any of them is nonsense."""
    kind = SETTINGS[asked.verb]
    same = as_values(asked.settings) | ({"count": 1} if "count" in knobs(kind) else {})
    return pairs(kind, same, x, y)

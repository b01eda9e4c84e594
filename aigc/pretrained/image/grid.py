"""X/Y grid: one picture for every pair of values of two settings, everything else, the seed included, held fast."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aigc.knobs import as_values, knobs, read, read_value
from aigc.pretrained.image.asked import SETTINGS, Asked, Verb
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.image.kit import Kit
    from aigc.pretrained.image.make import Shot

MOST = 8  # values an axis
NOT_AXES = ("count", "width", "height", "left", "right", "top", "bottom")  # a grid's pictures are single and of one size


@dataclass(frozen=True)
class Axis:
    name: str
    label: Words
    values: tuple[Any, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(getattr(v, "value", v) if isinstance(v, str) else f"{v:g}" for v in self.values)


@dataclass(frozen=True)
class Grid:
    x: Axis
    y: Axis
    shot: Shot  # of the cell in the making
    cells: tuple[Image | None, ...]  # row by row

    @property
    def is_final(self) -> bool:
        """Whether a cell was finished just now."""
        return self.shot.is_final

    @property
    def done(self) -> int:
        return sum(cell is not None for cell in self.cells)


def axes(verb: Verb) -> dict[str, Words]:
    """The settings that can be varied."""
    return {name: k.label for name, k in knobs(SETTINGS[verb]).items() if name not in NOT_AXES}


def axis(verb: Verb, name: str, typed: str) -> Axis:
    """ "4, 8, 16" as values of a setting.  Raises Refusal."""
    if name not in axes(verb):
        raise Refusal(both("There is no such setting to vary.", "没有这个可变的设置。"))
    k = knobs(SETTINGS[verb])[name]
    parts = [part.strip() for part in typed.replace("，", ",").replace("、", ",").split(",") if part.strip()]
    if not 1 <= len(parts) <= MOST:
        raise Refusal(
            both("Give 1 to {n} values of “{label}”, with commas between.", "请为“{label}”给出 1 到 {n} 个值，用逗号隔开。"), n=MOST, label=k.label
        )
    return Axis(name, k.label, tuple(read_value(k, part) for part in parts))


def crossed(kit: Kit, asked: Asked, x: Axis, y: Axis, stop: threading.Event) -> Iterator[Grid]:
    """Yields the grid whenever there is something new in it.  Raises Refusal before the first picture if any cell asks for nonsense."""
    from aigc.pretrained.image.make import Shot, made

    if x.name == y.name:
        raise Refusal(both("The two axes must be two settings.", "两条轴要选两个不同的设置。"))
    kind = SETTINGS[asked.verb]
    same = as_values(asked.settings) | ({"count": 1} if "count" in knobs(kind) else {})
    cells = [replace(asked, settings=read(kind, same | {x.name: a, y.name: b})) for b in y.values for a in x.values]
    grid = Grid(x, y, Shot(), (None,) * len(cells))
    for i, cell in enumerate(cells):
        for shot in made(kit, cell, stop):
            done = shot.images[0] if shot.is_final else None
            grid = Grid(x, y, shot, (*grid.cells[:i], done, *grid.cells[i + 1 :]))
            yield grid

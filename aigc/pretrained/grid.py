"""X/Y grids of anything: one result for every pair of values of two settings, everything else, the seed included, held fast."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aigc.knobs import Choice, knobs, read, read_value, said
from aigc.words import Lang, Refusal, Words, both

Step = TypeVar("Step")  # what a result tells of itself on its way; the last one says `is_final`
Cell = TypeVar("Cell")  # what is kept of a result

MOST = 8  # values an axis

NO_SETTING = both("There is no such setting to vary.", "没有这个可变的设置。")
HOW_MANY = both("Give 1 to {n} values of “{label}”, with commas between.", "请为“{label}”给出 1 到 {n} 个值，用逗号隔开。")
SAME_TWICE = both("The two axes must be two settings.", "两条轴要选两个不同的设置。")


@dataclass(frozen=True)
class Axis:
    name: str
    label: Words
    values: tuple[Any, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The values as they are typed."""
        return tuple(v.value if isinstance(v, Choice) else said(v, "en") for v in self.values)

    def words(self, lang: Lang) -> tuple[str, ...]:
        """The values for people."""
        return tuple(said(v, lang) for v in self.values)


@dataclass(frozen=True)
class Grid(Generic[Step, Cell]):
    x: Axis
    y: Axis
    now: Step  # of the cell in the making
    at: int  # which that is
    cells: tuple[Cell | None, ...]  # row by row

    @property
    def is_final(self) -> bool:
        """Whether a cell was finished just now."""
        return self.cells[self.at] is not None

    @property
    def done(self) -> int:
        return sum(cell is not None for cell in self.cells)

    @property
    def noted(self) -> dict[str, list[str]]:
        """What a file says of its axes."""
        return {"across": [self.x.name, *self.x.shown], "down": [self.y.name, *self.y.shown]}


def axes(config: type, without: Collection[str] = ()) -> dict[str, Words]:
    """The settings that can be varied."""
    return {name: k.label for name, k in knobs(config).items() if name not in without}


def axis(config: type, name: str, typed: str, without: Collection[str] = ()) -> Axis:
    """ "4, 8, 16" as values of a setting.  Raises Refusal."""
    if name not in axes(config, without):
        raise Refusal(NO_SETTING)
    k = knobs(config)[name]
    parts = [part.strip() for part in re.split("[,，、;；]", typed) if part.strip()]
    if not 1 <= len(parts) <= MOST:
        raise Refusal(HOW_MANY, n=MOST, label=k.label)
    return Axis(name, k.label, tuple(read_value(k, part) for part in parts))


def pairs(config: type, same: Mapping[str, Any], x: Axis, y: Axis) -> list[Any]:
    """The settings of every cell, row by row.  Raises Refusal if any of them is nonsense."""
    if x.name == y.name:
        raise Refusal(SAME_TWICE)
    return [read(config, {**same, x.name: a, y.name: b}) for b in y.values for a in x.values]


def filled(x: Axis, y: Axis, cells: list[Any], make: Callable[[Any], Iterator[Step]], keep: Callable[[Step], Cell]) -> Iterator[Grid[Step, Cell]]:
    """Cell after cell of `pairs`; yields the grid whenever there is something new in it."""
    done: list[Cell | None] = [None] * len(cells)
    for i, settings in enumerate(cells):
        for step in make(settings):
            if step.is_final:  # type: ignore[attr-defined]
                done[i] = keep(step)
            yield Grid(x, y, step, i, tuple(done))

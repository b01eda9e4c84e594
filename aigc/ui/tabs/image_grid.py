"""X/Y grid: two settings of a verb varied against each other, below its form, shown on its easel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc import outputs
from aigc.knobs import as_values
from aigc.pretrained import Stopped
from aigc.pretrained.image.asked import NEED_IMAGE, SETTINGS, Verb
from aigc.pretrained.image.grid import NOT_AXES, cells
from aigc.ui.axes import Axes, Start, head
from aigc.ui.studio import easel
from aigc.ui.tabs import image_view
from aigc.ui.tabs.explore_room import QUIET
from aigc.ui.tabs.image_view import Kept, Outcome, View, facts_of, joined, streamed, waited
from aigc.ui.telling import newest
from aigc.ui.text import picture as text
from aigc.ui.text.telling import STOPPED
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal, Words

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.grid import Grid
    from aigc.pretrained.image.asked import Asked
    from aigc.pretrained.image.make import Shot

GRIDS = on_gpu("aigc.pretrained.image.run:grids", seconds=240)
TILE = 256  # pixels a cell is shown and saved at, at most
STARTS: dict[Verb, tuple[Start, Start]] = {
    **dict.fromkeys((Verb.GENERATE, Verb.EDIT, Verb.INPAINT, Verb.OUTPAINT), (("steps", "5, 10, 20"), ("guidance", "1, 3, 6"))),
    Verb.UPSCALE: (("steps", "5, 10, 20"), ("guidance", "1, 4, 7")),
    Verb.STYLE: (("amount", "0.4, 0.7, 1"), ("method", "adain, gatys")),
    Verb.SAMPLE: (("steps", "5, 10, 20"), ("scheduler", "ddim, dpm++-sde")),
}


class GridFold:
    """Drawn where a view's form ends."""

    def __init__(self, view: View):
        self.view, name = view, f"image-{view.verb.value}-grid-{view.page.lang}"
        self.axes = Axes(view.page, SETTINGS[view.verb], STARTS[view.verb], text.GRID_HELP, name, NOT_AXES)

    def wire(self) -> None:
        view = self.view
        made: list[Component] = [view.easel, view.last, view.history, view.strip]
        self.axes.go.click(self.run, view.inputs | self.axes.inputs, made, trigger_mode="multiple", **QUIET)

    def run(self, given: dict[Component, Any], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        view = self.view
        stop = view.begun(request)
        kept: Kept | None = None
        for shown, kept in streamed(view.page.lang, lambda: self._made(given, stop), stop):
            if kept is None:
                yield gr.skip() if stop.unwanted else shown, gr.skip(), gr.skip(), gr.skip()
        if kept is not None:
            now = (gr.skip(), gr.skip()) if stop.unwanted else (shown, kept)
            yield *now, *joined(kept, given[view.history], view.page.lang)

    def _made(self, given: dict[Component, Any], stop: threading.Event) -> Iterator[Outcome]:
        view, lang = self.view, self.view.page.lang
        asked, (entry, setup) = view.asked(given), view.chooser.chosen(given)
        x, y = self.axes.chosen(given)
        every = [as_values(settings) for settings in cells(asked, x, y)]
        drawn: list[str | None] = [None] * len(every)
        grid: Grid[Shot, Image] | None = None
        end: Words | None = None
        try:
            for told in newest(GRIDS(asked, x, y, entry, stop=stop, setup=setup), image_view.SHOW_EVERY):
                if (waiting := waited(told, lang)) is not None:
                    yield waiting, None
                    continue
                grid = told
                fresh = [i for i, image in enumerate(grid.cells) if image is not None and drawn[i] is None]
                for i in fresh:
                    drawn[i] = easel.made(_small(grid.cells[i]), view.verb in NEED_IMAGE)  # type: ignore[arg-type]
                share = (grid.done + grid.now.index / max(1, grid.now.count) * (not grid.now.is_final)) / len(drawn)
                progress = {"status": self._done(grid), "busy": True, "progress": share}
                yield ({"kind": "grid", **head(x, y, lang), "cells": drawn, **progress} if fresh else {"kind": "same", **progress}), None
        except (Stopped, Refusal) as why:
            if grid is None or not any(drawn):
                raise
            end = why.words if isinstance(why, Refusal) else STOPPED
        assert grid is not None  # a grid has a cell, and a cell tells of itself
        status = " · ".join([self._done(grid), *([end[lang]] if end else [])])
        first = next(image for image in grid.cells if image is not None)
        facts = facts_of(asked, entry.slug, replace(grid.now, images=[first]), lang, without=(x.name, y.name))
        done = {
            "kind": "grid",
            **head(x, y, lang),
            "cells": drawn,
            "busy": False,
            "status": status,
            "made": True,
            "facts": facts,
            "notes": [text.GRID_CELL[lang]],
        }
        yield done, _kept(asked, entry.slug, grid, facts, setup, view.handed_in(given), every)

    def _done(self, grid: Grid[Shot, Image]) -> str:
        return text.GRID_DONE.fill(n=grid.done, all=len(grid.cells))[self.view.page.lang]


def _kept(asked: Asked, model: str, grid: Grid[Shot, Image], facts: str, setup: Any, inputs: dict[str, Any], every: list[dict[str, Any]]) -> Kept:
    """The grid as one picture with its values below each cell; a cell that was not drawn stays white."""
    import numpy as np

    from aigc.pretrained.image.make import note

    drawn = [np.asarray(_small(cell).convert("RGB")) if cell is not None else None for cell in grid.cells]
    first = next(cell for cell in drawn if cell is not None)
    images = [np.full_like(first, 255) if cell is None else cell for cell in drawn]
    captions = [f"{grid.x.name} {a}, {grid.y.name} {b}" for b in grid.y.shown for a in grid.x.shown]
    sheet = outputs.sheet(np.stack(images).transpose(0, 3, 1, 2), captions, columns=len(grid.x.values), scale=max(1, 160 // images[0].shape[1]))
    told = note(asked, model, grid.now) | grid.noted
    return Kept(
        asked.verb, model, as_values(setup), asked.prompt, asked.negative, as_values(asked.settings), images=[easel.png(sheet)], captions=[""],
        notes=[told], facts=facts, inputs=inputs, thumb=easel.thumb(sheet, asked.verb in NEED_IMAGE), cells=every,
    )  # fmt: skip


def _small(image: Image) -> Image:
    small = image.copy()
    small.thumbnail((TILE, TILE))
    return small

"""X/Y grid of Continue: a prompt written on for every pair of values of two settings, below the form, shown in the panel."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import as_values
from aigc.pretrained import Stopped, clean
from aigc.pretrained.grid import pairs
from aigc.pretrained.text.asked import Continue, Method
from aigc.ui.axes import Axes, head
from aigc.ui.tabs.explore_room import QUIET
from aigc.ui.tabs.text_kept import SKIPPED, Kept, Shown, joined, note_of, picked
from aigc.ui.tabs.text_panel import SHOW_EVERY, Payload, form, settings_of, shown, silent, status_of, waited
from aigc.ui.telling import newest, said
from aigc.ui.text import writing as text
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal

if TYPE_CHECKING:
    from aigc.pretrained.grid import Axis, Grid
    from aigc.pretrained.text.grid import Cell
    from aigc.pretrained.text.writing import Draft
    from aigc.ui.tabs.text_continue import ContinueView

GRIDS = on_gpu("aigc.pretrained.text.run:grids", seconds=240)
STARTS = (("temperature", "0.5, 0.8, 1.2"), ("top_k", "5, 50"))


class GridFold:
    """Drawn where the form of Continue ends."""

    def __init__(self, view: ContinueView):
        self.view = view
        self.axes = Axes(view.page, Continue, STARTS, text.GRID_HELP, f"text-grid-{view.page.lang}")

    def wire(self, made: list[Component], back: list[Component]) -> None:
        view = self.view
        self.axes.go.click(self.run, view.inputs | self.axes.inputs, made, trigger_mode="multiple", **QUIET)
        view.panel.choose(self.again, view.last, back, **QUIET)  # type: ignore[attr-defined]

    def run(self, given: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        yield from self.view.streamed(lambda stop: self._made(given, stop), request)

    def again(self, kept: Kept | None, evt: gr.EventData) -> dict[Any, Any]:
        """A cell of the grid: its settings in the form."""
        i = picked(kept.cells, evt) if kept is not None else None
        if kept is None or i is None:
            return {self.view.last: gr.skip()}
        return {self.view.panel: said(text.AGAIN, self.view.page.lang, chosen=i), **self.view.filled(kept, kept.cells[i])}

    def _made(self, given: dict[Component, Any], stop: threading.Event) -> Iterator[Shown]:
        view, lang = self.view, self.view.page.lang
        (settings, prompt, stops), (entry, setup), (x, y) = view.asked(given), view.chooser.chosen(given), self.axes.chosen(given)
        every = [as_values(each) for each in pairs(Continue, as_values(settings), x, y)]
        above = {"kind": "grid", "go": secrets.token_hex(4), **head(x, y, lang), "made": True}
        grid, status = yield from self._filling(above, GRIDS(prompt, settings, stops, x, y, entry, stop=stop, setup=setup))
        facts = " · ".join(settings_of(settings, entry.slug, lang, (x.name, y.name, *silent(*_ways(settings, x, y)))))
        whole = {i: self._shown(c, True) for i, c in enumerate(grid.cells) if c is not None}
        notes = list(dict.fromkeys(n[lang] for c in grid.cells if c is not None for n in c.notes))
        payload = shown({**above, "cells": whole, "busy": False, "over": True, "status": status, "facts": facts, "notes": notes})
        typed, values = {"prompt": prompt, "stops": clean(str(given[view.stops] or ""))}, as_values(settings)
        kept = Kept(
            entry.slug, as_values(setup), typed, values, self._written(grid), facts, payload, note_of(entry.slug, typed, values) | grid.noted,
            name=f"text-grid-{settings.seed}.md", label=text.GRID_OF.fill(x=x.label, y=y.label, prompt=prompt.strip())[lang], cells=every,
        )  # fmt: skip
        yield payload, *joined(kept, given[view.history], lang)

    def _filling(self, above: Payload, told: Iterator[Any]) -> Generator[Shown, None, tuple[Grid[Draft, Cell], str]]:
        """The grid as it fills.  Returns what there is of it when it is whole, is stopped, or cannot go on, and what to say then."""
        from aigc.pretrained.text.grid import cell

        lang, sent = self.view.page.lang, 0
        grid: Grid[Draft, Cell] | None = None
        try:
            for result in newest(told, SHOW_EVERY):
                if (wait := waited(result, lang)) is not None:
                    yield wait, *SKIPPED
                    continue
                grid = result
                yield shown({**above, **self._on_the_way(result, sent)}), *SKIPPED
                sent = result.done
        except (Stopped, Refusal) as why:
            if grid is None:
                raise
            end = why.words if isinstance(why, Refusal) else text.STOPPED
            cells = tuple(cell(grid.now) if i == grid.at and c is None else c for i, c in enumerate(grid.cells))
            return replace(grid, cells=cells), f"{self._done(grid)} · {end[lang]}"
        assert grid is not None  # a grid has a cell, and a cell tells of itself
        return grid, self._done(grid)

    def _on_the_way(self, grid: Grid[Draft, Cell], sent: int) -> Payload:
        """The cell in the making; the whole ones again only when there are more of them than the `sent`."""
        from aigc.pretrained.text.grid import cell

        draft, count = grid.now, len(grid.cells)
        new = {grid.at: cell(draft), **({i: c for i, c in enumerate(grid.cells) if c is not None} if grid.done > sent else {})}
        cells = {i: self._shown(c, grid.cells[i] is not None) for i, c in new.items()}
        share = (grid.done + (not grid.is_final) * len(draft.tokens) / max(1, draft.count)) / count
        status = f"{self._done(grid)} · {status_of(draft, self.view.page.lang)}"
        return {"cells": cells, "at": grid.at, "busy": True, "status": status, "progress": share}

    def _done(self, grid: Grid[Draft, Cell]) -> str:
        return text.GRID_DONE.fill(n=grid.done, all=len(grid.cells))[self.view.page.lang]

    def _shown(self, cell: Cell, is_done: bool) -> Payload:
        lang = self.view.page.lang
        facts = [text.CELL.fill(n=cell.count, ms=1000 * cell.pace)[lang]] if is_done else []
        verdict = form(cell.whole, lang) if is_done else None
        facts += [(text.FORM_KEPT if verdict["kept"] else text.FORM_BROKEN)[lang]] if verdict else []
        return {"title": cell.title, "before": cell.before, "text": cell.text, "facts": " · ".join(facts)}

    def _written(self, grid: Grid[Draft, Cell]) -> str:
        """The grid as Markdown, a heading a cell."""
        lang, columns = self.view.page.lang, len(grid.x.values)
        across, down, parts = grid.x.words(lang), grid.y.words(lang), []
        for i, c in enumerate(grid.cells):
            if c is not None:
                name = text.PAIR.fill(x=f"{grid.x.label[lang]} {across[i % columns]}", y=f"{grid.y.label[lang]} {down[i // columns]}")[lang]
                parts.append("\n\n".join(filter(None, (f"### {name}", c.title, c.whole))))
        return "\n\n".join(parts)


def _ways(settings: Continue, x: Axis, y: Axis) -> tuple[Method, ...]:
    """The methods that any cell is written by."""
    return next((a.values for a in (x, y) if a.name == "method"), (settings.method,))

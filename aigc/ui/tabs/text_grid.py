"""X/Y grid of a view of the Text tab: a text for every pair of values of two settings, below the form, shown in the panel."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import gradio as gr
from gradio.components import Component

from aigc.knobs import as_values
from aigc.pretrained import Stopped
from aigc.pretrained.grid import pairs
from aigc.pretrained.text.asked import Continue, Message, Method, Settings
from aigc.ui.axes import Axes, Start, head
from aigc.ui.chooser import Chooser
from aigc.ui.page import Page
from aigc.ui.tabs.explore_room import QUIET
from aigc.ui.tabs.text_kept import MOST_SHOWN, SKIPPED, Kept, Shown, joined, picked, reshown, streamed
from aigc.ui.tabs.text_panel import SHOW_EVERY, Payload, settings_of, shown, silent, status_of, waited
from aigc.ui.telling import newest, said
from aigc.ui.text import writing as text
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal

if TYPE_CHECKING:
    from aigc.pretrained.catalogue import Entry
    from aigc.pretrained.fit import Setup
    from aigc.pretrained.grid import Axis, Grid
    from aigc.pretrained.text.grid import Cell
    from aigc.pretrained.text.writing import Draft

GRIDS = on_gpu("aigc.pretrained.text.run:grids", seconds=240)


@dataclass(frozen=True)
class Crossing:
    """What a form says that a grid is made of."""

    entry: Entry
    setup: Setup
    settings: Settings
    given: str  # to be written on, answered or summarised
    typed: dict[str, str]  # beside the settings, for the form of the same view
    note: dict[str, Any]  # how it was made, for its file
    name: str  # of its file
    stops: tuple[str, ...] = ()
    talk: tuple[Message, ...] = ()  # that `given` ends, of a chat
    remarks: Callable[[str], list[str]] = lambda whole: []  # on a whole text


class View(Protocol):
    """A view of the Text tab whose results can be crossed."""

    page: Page
    inputs: set[Component]
    chooser: Chooser
    panel: gr.HTML
    last: gr.State
    history: gr.State

    def crossing(self, given_: Mapping[Component, Any], /) -> Crossing: ...
    def filled(self, one: Kept, values: dict[str, Any], /) -> dict[Any, Any]: ...


def older(view: View, kept: list[Kept], evt: gr.EventData) -> dict[Any, Any]:
    """What a click in the list means: an older result, shown again, and its settings in the form."""
    if (i := picked(kept, evt)) is None:
        return {view.last: gr.skip()}
    return {view.panel: reshown(kept[i], view.page.lang), view.last: kept[i], **view.filled(kept[i], kept[i].values)}


class GridFold:
    """Drawn where the form of the view `name` ends: its kind of settings, and those that the axes start with."""

    def __init__(self, view: View, name: str, kind: type[Settings], starts: tuple[Start, Start], elem_id: str):
        self.view, self.name = view, name
        self.axes = Axes(view.page, kind, starts, text.GRID_HELP, elem_id)

    def wire(self, made: list[Component], back: list[Component]) -> None:
        view = self.view
        self.axes.go.click(self.run, view.inputs | self.axes.inputs, made, trigger_mode="multiple", **QUIET)
        view.panel.choose(self.again, view.last, back, **QUIET)  # type: ignore[attr-defined]

    def run(self, given: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        yield from streamed(self.name, self.view.page.lang, lambda stop: self._made(given, stop), request)

    def again(self, kept: Kept | None, evt: gr.EventData) -> dict[Any, Any]:
        """A cell of the grid: its settings in the form."""
        i = picked(kept.cells, evt) if kept is not None else None
        if kept is None or i is None:
            return {self.view.last: gr.skip()}
        return {self.view.panel: said(text.AGAIN, self.view.page.lang, chosen=i), **self.view.filled(kept, kept.cells[i])}

    def _made(self, given: dict[Component, Any], stop: threading.Event) -> Iterator[Shown]:
        view, lang = self.view, self.view.page.lang
        asked, (x, y) = view.crossing(given), self.axes.chosen(given)
        settings, values = asked.settings, as_values(asked.settings)
        every = [as_values(each) for each in pairs(type(settings), values, x, y)]
        above = {"kind": "grid", "go": secrets.token_hex(4), **head(x, y, lang), "made": True}
        made = GRIDS(asked.given, settings, asked.stops, x, y, asked.entry, stop=stop, setup=asked.setup, talk=asked.talk)
        grid, status = yield from self._filling(above, made, asked)
        unheard = silent(*_ways(settings, x, y)) if isinstance(settings, Continue) else ()
        facts = " · ".join(settings_of(settings, asked.entry.slug, lang, (x.name, y.name, *unheard)))
        whole = {i: self._shown(c, asked, True) for i, c in enumerate(grid.cells) if c is not None}
        notes = list(dict.fromkeys(n[lang] for c in grid.cells if c is not None for n in c.notes))
        payload = shown({**above, "cells": whole, "busy": False, "over": True, "status": status, "facts": facts, "notes": notes})
        kept = Kept(
            asked.entry.slug, as_values(asked.setup), asked.typed, values, self._written(grid), facts, payload, asked.note | grid.noted,
            name=asked.name, label=text.GRID_OF.fill(x=x.label, y=y.label, prompt=asked.given.strip()[:MOST_SHOWN])[lang], cells=every,
        )  # fmt: skip
        yield payload, *joined(kept, given[view.history], lang)

    def _filling(self, above: Payload, told: Iterator[Any], asked: Crossing) -> Generator[Shown, None, tuple[Grid[Draft, Cell], str]]:
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
                yield shown({**above, **self._on_the_way(result, sent, asked)}), *SKIPPED
                sent = result.done
        except (Stopped, Refusal) as why:
            if grid is None:
                raise
            end = why.words if isinstance(why, Refusal) else text.STOPPED
            cells = tuple(cell(grid.now) if i == grid.at and c is None else c for i, c in enumerate(grid.cells))
            return replace(grid, cells=cells), f"{self._done(grid)} · {end[lang]}"
        assert grid is not None  # a grid has a cell, and a cell tells of itself
        return grid, self._done(grid)

    def _on_the_way(self, grid: Grid[Draft, Cell], sent: int, asked: Crossing) -> Payload:
        """The cell in the making; the whole ones again only when there are more of them than the `sent`."""
        from aigc.pretrained.text.grid import cell

        draft, count = grid.now, len(grid.cells)
        new = {grid.at: cell(draft), **({i: c for i, c in enumerate(grid.cells) if c is not None} if grid.done > sent else {})}
        cells = {i: self._shown(c, asked, grid.cells[i] is not None) for i, c in new.items()}
        share = (grid.done + (not grid.is_final) * len(draft.tokens) / max(1, draft.count)) / count
        status = f"{self._done(grid)} · {status_of(draft, self.view.page.lang)}"
        return {"cells": cells, "at": grid.at, "busy": True, "status": status, "progress": share}

    def _done(self, grid: Grid[Draft, Cell]) -> str:
        return text.GRID_DONE.fill(n=grid.done, all=len(grid.cells))[self.view.page.lang]

    def _shown(self, cell: Cell, asked: Crossing, is_done: bool) -> Payload:
        paced = text.CELL.fill(n=cell.count, ms=1000 * cell.pace)[self.view.page.lang]
        facts = [paced, *asked.remarks(cell.whole)] if is_done else []
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

"""The fold of a form in which two settings and the values of each are chosen for an X/Y grid, and the grid's head for the browser."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import NO, YES, Choice, knobs
from aigc.pretrained.grid import Axis, axes, axis
from aigc.ui.markup import esc
from aigc.ui.page import QUIET, Page
from aigc.ui.text import grid as text
from aigc.words import Lang, Words

Start = tuple[str, str]  # a setting and the values it starts off with


class Axes:
    """Drawn where it is made, ending in the button that draws the grid: `go`."""

    def __init__(self, page: Page, config: type, starts: tuple[Start, Start], help: Words, elem_id: str, without: Collection[str] = ()):
        self.page, self.config, self.without, t = page, config, without, page.t
        choices = [(words[page.lang], name) for name, words in axes(config, without).items()]
        with gr.Accordion(t(text.GRID), open=False, elem_classes=["aigc-fold", "aigc-axes"]) as self.fold:
            gr.HTML(f"<p>{esc(t(help))}</p>", elem_classes=["aigc-x-says"], padding=False)
            self.chosen_by: list[tuple[gr.Dropdown, gr.Textbox]] = []
            for label, (name, values) in zip((text.ACROSS, text.DOWN), starts, strict=True):
                which = gr.Dropdown(choices, value=name, label=t(label), filterable=False)
                typed = gr.Textbox(values, label=t(text.VALUES), max_lines=1, max_length=200, info=self._offered(name))
                which.input(lambda name: gr.update(info=self._offered(name)), which, typed, **QUIET)
                self.chosen_by.append((which, typed))
            self.go = gr.Button(t(text.GO), size="sm", elem_id=elem_id)

    @property
    def inputs(self) -> set[Component]:
        return {widget for pair in self.chosen_by for widget in pair}

    def chosen(self, given: Mapping[Any, Any]) -> tuple[Axis, Axis]:
        """What an event's dict says: across, down.  Raises Refusal."""
        x, y = (axis(self.config, str(given[which] or ""), str(given[typed] or ""), self.without) for which, typed in self.chosen_by)
        return x, y

    def _offered(self, name: str) -> str:
        """What may be typed: the values of a choice, or the bounds of a number."""
        k = knobs(self.config)[name]
        if issubclass(k.kind, Choice):
            return ", ".join(self.page.t(text.CHOICE.fill(value=m.value, words=m.words)) for m in k.kind)
        if k.kind is bool:
            return f"{YES.en}, {NO.en}"
        return f"{k.low:g} … {k.high:.10g}"


def head(x: Axis, y: Axis, lang: Lang) -> dict[str, Any]:
    """What stands above and beside the cells; see static/grid.js."""
    return {name: {"label": a.label[lang], "values": list(a.words(lang))} for name, a in (("x", x), ("y", y))}

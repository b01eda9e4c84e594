"""Which real image goes in: test images by number, the visitor's own drawing, or a file."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.data.own import is_own
from aigc.ui.page import Page
from aigc.ui.studio.subjects import Subject
from aigc.ui.tabs.explore_room import PAD_JS, QUIET, Room, template
from aigc.ui.text import explore as text
from aigc.words import Refusal

if TYPE_CHECKING:
    from torch import Tensor

    from aigc.data.load import Dataset

FIRST = "0-7"
OFFERED = 8


@dataclass
class Source:
    kind: gr.Radio
    numbers: gr.Textbox
    others: gr.Button
    pad: gr.HTML
    drawing: gr.Textbox  # the pad's PNG as a data address
    file: gr.Image

    @property
    def inputs(self) -> set[Component]:
        return {self.kind, self.numbers, self.drawing, self.file}


def draw(room: Room) -> Source:
    page = room.page
    choices = [(words[page.lang], name) for name, words in text.SOURCES.items()]
    kind = gr.Radio(choices, value="test", label=page.t(text.SOURCE))
    with gr.Column(elem_classes=["aigc-x-source"]) as tests:
        numbers = gr.Textbox(FIRST, label=page.t(text.NUMBERS), info=page.t(text.NUMBERS_HELP), max_length=200)
        others = gr.Button(page.t(text.OTHERS), size="sm")
    pad = _pad(page)
    file = gr.Image(type="filepath", sources=["upload", "clipboard"], label=page.t(text.FILE), visible=False, height=220, buttons=[])
    source = Source(kind, numbers, others, pad, gr.Textbox("", visible="hidden"), file)

    def choose(wanted: str) -> tuple[Any, ...]:
        return gr.update(visible=wanted == "test"), gr.update(visible=wanted == "draw"), gr.update(visible=wanted == "file")

    kind.input(choose, kind, [tests, pad, file], **QUIET)
    pad.drawn(_drawn, None, source.drawing, **QUIET)
    room.follows(pad, lambda this: "colour" if this and this.spec.shape[0] == 3 and not this.spec.is_points else "grey")
    room.follows(kind, lambda this: gr.update(choices=choices[:1] if this and this.spec.is_points else choices))
    return source


def _drawn(evt: gr.EventData) -> str:
    png = evt._data.get("png") if isinstance(evt._data, dict) else ""
    return png if isinstance(png, str) else ""


def _pad(page: Page) -> gr.HTML:
    return gr.HTML("grey", html_template=template(page.lang), js_on_load=PAD_JS, padding=False, visible=False, apply_default_css=False)


def others(room: Room, this: Subject) -> str:
    """Numbers of test images picked at random."""
    count = len(shown_of(room, this).test_x)
    return ", ".join(str(i) for i in sorted(random.sample(range(count), min(OFFERED, count))))


def data_of(this: Subject) -> Dataset:
    """The model's dataset, if it is on this machine.  Raises Refusal."""
    from aigc.data.load import load

    try:
        return load(this.spec.name, download=False)
    except Refusal as refusal:
        raise Refusal(text.NO_DATA) from refusal


def shown_of(room: Room, this: Subject) -> Dataset:
    """The model's dataset, if its pictures may be looked at here.  Raises Refusal."""
    if room.page is not None and room.page.public and is_own(this.spec.name):
        raise Refusal(text.PRIVATE)
    return data_of(this)


def images(room: Room, source: Source, given: dict[Component, Any], this: Subject) -> tuple[Tensor, Tensor | None, bool]:
    """What was chosen: (n, *shape) in data space, its labels where they are known, whether it is the dataset's.  Raises Refusal."""
    from aigc.ui.studio import drawing
    from aigc.ui.studio.rebuild import chosen, test_images

    kind = given[source.kind]
    if this.spec.is_points or kind not in ("draw", "file"):
        data = shown_of(room, this)
        indices = list(range(len(data.test_x[:1000]))) if this.spec.is_points else chosen(given[source.numbers], len(data.test_x))
        x, labels = test_images(data, indices)
        return x, labels, True
    make = drawing.from_pad if kind == "draw" else drawing.from_file
    return make(given[source.drawing] if kind == "draw" else given[source.file], this.spec, _habits(this.spec.name)), None, False


@functools.lru_cache(maxsize=8)
def _habits(name: str) -> Any:
    """Where the dataset puts its strokes; None where it is not here, or has no such habit."""
    from aigc.data.load import load
    from aigc.ui.studio.drawing import Habits

    try:
        data = load(name, download=False)
    except Refusal:
        return None
    return Habits.of(data.test_x.numpy())

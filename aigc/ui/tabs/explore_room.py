"""What the views of Explore share: the model that is looked at, the stage results stand on, and how a result reaches it."""

from __future__ import annotations

import html
import json
import math
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import knobs, read
from aigc.techniques import TechniqueInfo
from aigc.ui import visits
from aigc.ui.forms import Form
from aigc.ui.page import QUIET as QUIET
from aigc.ui.page import Page
from aigc.ui.studio.film import Film, Payload
from aigc.ui.studio.subjects import Subject, subjects
from aigc.ui.telling import complaint, guarded, said
from aigc.ui.text import explore as text
from aigc.ui.text.live import LAYERS
from aigc.words import Lang, Refusal, Words

TELL_EVERY = 0.25  # seconds between two looks at what is not ready yet; also how soon Stop is noticed
MOST_PUBLIC = 180.0  # seconds of one result; two are made at a time, for everybody

MODULE = "import(new URL('aigc/static/{file}', document.baseURI).href)"
STAGE_JS = f"""
{MODULE.format(file="stage.js")}.then(({{ Stage }}) => {{
  const place = element.querySelector(".aigc-x");
  const stage = new Stage(place, JSON.parse(place.dataset.words), (x, y) => {{
    place.dataset.picked = JSON.stringify({{ x, y }});
    trigger('pick');
  }});
  element.stage = stage;
  const show = () => props.value && stage.show(JSON.parse(props.value));
  watch("value", show);
  show();
}});
"""
PAD_JS = f"""
{MODULE.format(file="pad.js")}.then(({{ Pad }}) => {{
  const place = element.querySelector(".aigc-x");
  const pad = new Pad(place, JSON.parse(place.dataset.words), (png) => trigger('drawn', {{ png }}));
  const dress = () => {{ pad.coloured = props.value === "colour"; }};
  watch("value", dress);
  dress();
}});
"""


@dataclass
class Made:
    """The last result of a view, for the files a person may want of it."""

    name: str  # of the files
    note: dict[str, Any]  # how it was made
    film: Film
    layer: str = "x"
    labels: Any = None
    columns: int = 0
    captions: list[str] = field(default_factory=list)


@dataclass
class Room:
    """Explore of one technique on one page."""

    page: Page
    info: TechniqueInfo
    model: gr.Dropdown
    facts: gr.HTML  # about the model: changes with it, once everything that follows it has
    follow: list[tuple[Component, Callable[[Subject | None], Any]]] = field(default_factory=list)  # what changes with the model, and how

    @property
    def lang(self) -> Lang:
        return self.page.lang

    def follows(self, component: Component, how: Callable[[Subject | None], Any]) -> None:
        """`component` becomes `how(subject)` whenever another model is chosen."""
        self.follow.append((component, how))

    def starts(self, form: Form) -> None:
        """The knobs of sampling in `form` start where it suits the model that is chosen."""
        for name in self.info.sampling_of(self.info.Config()):
            self.follows(form.widgets[name], partial(self._start, name))

    def _start(self, name: str, this: Subject | None) -> Any:
        if this is None:
            return gr.skip()
        try:
            return gr.update(value=self.info.sampling_of(read(self.info.Config, this.card.config))[name])
        except Refusal:  # made by another version: it says so itself when it is asked
            return gr.skip()


Result = tuple[Payload, Made | None]
Handler = Callable[[dict[Component, Any]], Iterator[Result]]


def stage(page: Page, view: str, *, large: bool = True) -> gr.HTML:
    """An empty stage.  `.pick(...)` listens to places chosen in its picture."""
    go = text.GO.get(view)
    quiet = text.PRESS.fill(go=go) if go else text.CLICK
    return gr.HTML(
        json.dumps({"kind": "empty", "text": quiet[page.lang]}), html_template=template(page.lang), js_on_load=STAGE_JS,
        padding=False, apply_default_css=False, elem_classes=["aigc-x-large" if large else "aigc-x-small", f"aigc-x-{view}"],
    )  # fmt: skip


def buttons(page: Page, go: Words, elem_id: str | None = None) -> tuple[gr.Button, gr.Button]:
    """Begin and Stop."""
    with gr.Row(elem_classes=["aigc-x-go"]):
        return gr.Button(page.t(go), variant="primary", elem_id=elem_id), gr.Button(page.t(text.STOP), elem_classes=["aigc-x-stop"])


def template(lang: Lang) -> str:
    """An empty place for a script, with its words: other properties may reach the script after the first value does."""
    words: dict[str, Any] = {name: w[lang] for name, w in text.STAGE.items()}
    words["layers"] = {name: w[lang] for name, w in LAYERS.items()}
    return f'<div class="aigc-panel aigc-x" data-words="{html.escape(json.dumps(words, ensure_ascii=False))}"></div>'


def streamed(
    lang: Lang, handler: Handler, wanted: Callable[[dict[Component, Any]], bool], most: float = math.inf
) -> Callable[..., Iterator[tuple[Any, Any]]]:
    """A handler of results as Gradio's: its refusals and its mistakes become a sentence on the stage, as does that it took `most` seconds."""

    def run(given: dict[Component, Any]) -> Iterator[tuple[Any, Any]]:
        if not wanted(given):
            yield gr.skip(), gr.skip()
            return
        go = {"go": secrets.token_hex(4)}  # what one press of the button brings

        def made() -> Iterator[tuple[Any, Any]]:
            begun = time.monotonic()
            for payload, result in handler(given):
                if payload.get("busy") and time.monotonic() - begun > most:
                    raise Refusal(text.TOO_LONG, n=round(most / 60))
                yield json.dumps({**payload, **go}), result if result is not None else gr.skip()

        yield json.dumps({"kind": "same", "busy": True, "status": text.OPENING[lang], **go}), gr.skip()
        yield from guarded(made, lambda words: (complaint(words, lang), gr.skip()))

    return run


class Pace:
    """Tells how far it is, but not more often than anybody could see."""

    def __init__(self, lang: Lang, steps: int):
        self.lang, self.steps, self.begun, self.told = lang, steps, time.monotonic(), time.monotonic()
        self.done = 0

    def step(self) -> Payload | None:
        """After every step; the words to show, now and then."""
        self.done += 1
        if time.monotonic() - self.told < TELL_EVERY:
            return None
        self.told = time.monotonic()
        status = text.BUSY.fill(done=self.done, all=max(self.done, self.steps))[self.lang]
        return {"busy": True, "status": status, "progress": min(1.0, self.done / max(1, self.steps))}

    def end(self, what: Words) -> str:
        return text.DONE.fill(what=what, seconds=text.seconds(time.monotonic() - self.begun))[self.lang]


def wire(
    room: Room,
    handler: Handler,
    inputs: set[Component],
    on: Component,
    last: gr.State,
    *triggers: Any,
    stop: gr.Button | None = None,
    wanted: Callable[[dict[Component, Any]], bool] = lambda given: True,
) -> Any:
    """`handler` runs when a trigger fires, and is wanted, and puts its results on the stage; Stop ends it at the next thing it tells."""
    outputs: list[Component] = [on, last]
    run = streamed(room.lang, lambda given: handler(_with_model(room, given)), wanted, MOST_PUBLIC if room.page.public else math.inf)
    event = gr.on(list(triggers), run, inputs, outputs, trigger_mode="always_last", **{**QUIET, "concurrency_limit": 2})
    if stop is not None:
        stop.click(lambda: said(text.STOPPED, room.lang, stopped=True), None, on, cancels=[event], **QUIET)
    return event


def _with_model(room: Room, given: dict[Component, Any]) -> dict[Component, Any]:
    """Whoever was quicker than the list of models is shown the one that it begins with."""
    if given.get(room.model) or not (first := next(iter(subjects(room.info)), None)):
        return given
    return {**given, room.model: first.key}


def at_first_sight(room: Room, tab: gr.Tab, handler: Handler, inputs: set[Component], on: Component, last: gr.State) -> None:
    """Something stands there when the view is opened, and what stands there follows the model."""
    asked = inputs | {last}
    wire(room, handler, asked, on, last, tab.select, wanted=lambda given: given[last] is None and bool(given[room.model]))
    wire(room, handler, asked, on, last, room.model.change, wanted=lambda given: given[last] is not None and bool(given[room.model]))


def is_quick(info: TechniqueInfo) -> bool:
    """Whether the technique makes everything in one go."""
    return "steps" not in knobs(info.Sampling)


def result_state() -> gr.State:
    return gr.State(None, time_to_live=visits.SECONDS)


def class_choices(this: Subject | None, lang: Lang, first: Words) -> list[tuple[str, str]]:
    """("three", "3") for every class of the model's data, after a first choice that names none."""
    return [(first[lang], "")] + [(w[lang], str(i)) for i, w in enumerate(this.spec.classes if this else ())]


def takes_labels(this: Subject | None) -> bool:
    return bool(this and this.card.config.get("conditional") and this.spec.classes)

"""What the views of Explore share: the model that is looked at, the stage results stand on, and how a result reaches it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.techniques import TechniqueInfo
from aigc.ui.page import Page
from aigc.ui.studio.film import Film, Payload
from aigc.ui.studio.subjects import Subject
from aigc.ui.text import explore as text
from aigc.ui.text.live import LAYERS
from aigc.words import Lang, Refusal, Words

log = logging.getLogger(__name__)

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
TELL_EVERY = 0.25  # seconds between two looks at what is not ready yet; also how soon Stop is noticed
KEEP_SECONDS = 3600  # how long a visitor's last result can be saved

MODULE = "import(new URL('aigc/static/{file}', document.baseURI).href)"
STAGE_JS = f"""
{MODULE.format(file="stage.js")}.then(({{ Stage }}) => {{
  const stage = new Stage(element.querySelector(".aigc-x"), props.words, (x, y) => trigger('pick', {{ x, y }}));
  const show = () => props.value && stage.show(JSON.parse(props.value));
  watch("value", show);
  show();
}});
"""
PAD_JS = f"""
{MODULE.format(file="pad.js")}.then(({{ Pad }}) => {{
  const pad = new Pad(element.querySelector(".aigc-x"), props.words, (png) => trigger('drawn', {{ png }}));
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
    follow: list[tuple[Component, Callable[[Subject | None], Any]]] = field(default_factory=list)  # what changes with the model, and how

    @property
    def lang(self) -> Lang:
        return self.page.lang

    def follows(self, component: Component, how: Callable[[Subject | None], Any]) -> None:
        """`component` becomes `how(subject)` whenever another model is chosen."""
        self.follow.append((component, how))


Result = tuple[Payload, Made | None]


def stage(page: Page, view: str, *, large: bool = True) -> gr.HTML:
    """An empty stage.  `.pick(...)` listens to places chosen in its picture."""
    go = text.GO.get(view)
    quiet = text.PRESS.fill(go=go) if go else text.CLICK
    words = {name: w[page.lang] for name, w in text.STAGE.items()} | {"layers": {name: w[page.lang] for name, w in LAYERS.items()}}
    return gr.HTML(
        json.dumps({"kind": "empty", "text": quiet[page.lang]}), html_template='<div class="aigc-panel aigc-x"></div>', js_on_load=STAGE_JS,
        words=words, padding=False, apply_default_css=False, elem_classes=["aigc-x-large" if large else "aigc-x-small", f"aigc-x-{view}"],
    )  # fmt: skip


def streamed(lang: Lang, handler: Callable[..., Iterator[Result]]) -> Callable[..., Iterator[tuple[str, Any]]]:
    """A handler of results as Gradio's: its refusals and its mistakes become a sentence on the stage."""

    def run(given: dict[Component, Any]) -> Iterator[tuple[str, Any]]:
        yield json.dumps({"kind": "same", "busy": True, "status": text.OPENING[lang]}), gr.skip()
        try:
            for payload, made in handler(given):
                yield json.dumps(payload), made if made is not None else gr.skip()
        except Refusal as refusal:
            yield said(refusal.words, lang), gr.skip()
        except Exception:
            log.exception("explore")
            yield said(text.UNEXPECTED, lang), gr.skip()

    return run


def said(words: Words, lang: Lang) -> str:
    """Only the line above the picture changes."""
    return json.dumps({"kind": "same", "status": words[lang], "busy": False})


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
    handler: Callable[..., Iterator[Result]],
    inputs: set[Component],
    on: Component,
    last: gr.State,
    *triggers: Any,
    stop: gr.Button | None = None,
) -> Any:
    """`handler` runs when a trigger fires and puts its results on the stage `on`; Stop ends it at the next thing it tells."""
    outputs: list[Component] = [on, last]
    event = gr.on(list(triggers), streamed(room.lang, handler), inputs, outputs, concurrency_limit=2, trigger_mode="always_last", **QUIET)
    if stop is not None:
        stop.click(lambda: said(text.STOPPED, room.lang), None, on, cancels=[event], queue=False, **QUIET)
    return event


def result_state() -> gr.State:
    return gr.State(None, time_to_live=KEEP_SECONDS)


def class_choices(this: Subject | None, lang: Lang, first: Words) -> list[tuple[str, str]]:
    """("three", "3") for every class of the model's data, after a first choice that names none."""
    return [(first[lang], "")] + [(w[lang], str(i)) for i, w in enumerate(this.spec.classes if this else ())]


def takes_labels(this: Subject | None) -> bool:
    return bool(this and this.card.config.get("conditional") and this.spec.classes)

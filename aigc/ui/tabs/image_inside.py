"""Look inside: one picture step by step, with attention by word, the latent, the two predictions of guidance, and the schedule."""

from __future__ import annotations

import base64
import html
import io
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc import outputs
from aigc.knobs import as_values, read
from aigc.pretrained.catalogue import Task
from aigc.pretrained.image.asked import Asked, Generate, Verb
from aigc.pretrained.image.habits import habits
from aigc.techniques import Role
from aigc.ui import forms, stops, visits
from aigc.ui.chooser import Chooser
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.studio import film
from aigc.ui.tabs import examples, explore_files
from aigc.ui.tabs.explore_room import MODULE, QUIET, STAGE_JS, buttons
from aigc.ui.tabs.explore_room import template as stage_template
from aigc.ui.tabs.image_schedulers import follow
from aigc.ui.tabs.image_view import first_model, made_with, prompt_box, streamed, waited
from aigc.ui.text import picture as text
from aigc.ui.text.telling import RETURNED
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Lang, Refusal

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from aigc.pretrained.image.inside import Seen, Told

LOOKS = on_gpu("aigc.pretrained.image.run:looks", seconds=120)
SKIP = ("count", "width", "height")
PARTS = ("words", "latent", "guidance")
LEAST = 48  # pixels a tile has at least, so that the latent of a miniature is not lost between larger things
CURVE = (620, 190)  # of the drawing
COLUMNS = 8
FRAMES_A_SECOND = 4.0
TELL_EVERY = 0.5  # seconds between two looks at the way
STOP_JS = f"""
{MODULE.format(file="stopping.js")}.then(({{ whenStopped }}) => {{
  whenStopped(element, () => element.stage?.show({{ kind: "same", status: %s, stopped: true }}));
}});
{MODULE.format(file="pressing.js")}.then(({{ whenPressed }}) => {{
  const said = () => element.querySelector(".aigc-x-status")?.textContent ?? ""; // the stage may not have come yet
  let before = "";
  const answered = whenPressed(element, () => {{
    before = said();
    element.stage?.show({{ kind: "same", status: %s, busy: true }});
  }}, () => element.stage?.show({{ kind: "same", status: before, again: true }}));
  watch("value", answered);
}});
"""


@dataclass(frozen=True)
class Look:
    """What was seen, as the page shows it."""

    payloads: tuple[str, ...]  # of PARTS
    curve: str
    facts: str
    note: dict[str, Any]  # how it was made, for its file


class Inside:
    def __init__(self, page: Page):
        self.page = page
        t = page.t
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
                gr.HTML(f"<p>{t(text.SAYS['inside'])}</p>", elem_classes=["aigc-x-says"], padding=False)
                self.prompt = prompt_box(page, "inside")
                start = habits(Verb.GENERATE, first_model(Verb.GENERATE))
                self.form = forms.draw(page.lang, Generate, values={k: v for k, v in start.items() if k not in SKIP}, skip=SKIP)
                self.go, self.stop = buttons(page, text.GO["inside"], f"image-inside-go-{page.lang}")
                self.chooser = Chooser(page, Task.TEXT_TO_IMAGE, "image-inside")
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                example = examples.found(f"inside-words.{page.lang}") or {}
                self.latest = visits.state(page)  # one look or none
                self.facts = gr.HTML(example.get("facts", ""), padding=False)
                self.stages = {part: self._stage(part) for part in PARTS}
                gr.HTML(self._title("curve"), padding=False)
                self.curve = gr.HTML(example.get("curve", ""), padding=False)
        self._wire()

    def _stage(self, part: str) -> gr.HTML:
        gr.HTML(self._title(part), padding=False)
        quiet = examples.empty(f"inside-{part}", self.page.lang, text.PRESS, text.GO["inside"])
        said = tuple(json.dumps(words[self.page.lang]) for words in (text.STOPPED, text.EASEL["starting"]))
        js = STAGE_JS + (STOP_JS % said if part == "words" else "")
        stage = gr.HTML(
            quiet, html_template=stage_template(self.page.lang), js_on_load=js, padding=False, apply_default_css=False,
            elem_classes=["aigc-x-small", f"aigc-inside-{part}"],
        )  # fmt: skip
        if part == "words":
            with gr.Row(elem_classes=["aigc-x-saves", "aigc-x-waits"]):
                explore_files.button(self.page, self.page.t(text.SAVE_INSIDE), saved, [self.latest])
        return stage

    def _title(self, part: str) -> str:
        t = self.page.t
        return f'<h3 class="aigc-i-title">{esc(t(text.INSIDE_TITLES[part]))}</h3><p class="aigc-i-note">{esc(t(text.INSIDE_NOTES[part]))}</p>'

    def _wire(self) -> None:
        self.inputs: set[Component] = {self.prompt, self.latest, *self.form.inputs, *self.chooser.inputs}
        shown: list[Component] = [*self.stages.values(), self.curve, self.facts]
        self.chooser.follows(self.go.click(self.run, self.inputs, shown, trigger_mode="multiple", **QUIET))
        self.stop.click(self.stopped, None, None, **QUIET)
        follow(self.form, self.chooser, self.chooser.model.input)
        visits.returns(self.page, "image-inside", self.latest, shown, self.returned)

    def run(self, given: dict[Component, Any], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """The first stage also says how far it is; the others follow in silence."""
        stop = stops.begun("inside", request)
        look: Look | None = None
        for shown, look in streamed(self.page.lang, lambda: self._made(given, stop), stop, TELL_EVERY):
            if look is None:
                yield shown, *[gr.skip()] * 4
        if look is not None:
            given[self.latest][:] = [look]
            yield *look.payloads, look.curve, look.facts

    def returned(self, latest: list[Look]) -> dict[Any, Any]:
        """What stood there before the page was loaded again."""
        (look,) = latest
        first, *others = look.payloads
        payloads = (json.dumps({**json.loads(first), "status": self.page.t(RETURNED)}, ensure_ascii=False), *others)
        return {**dict(zip(self.stages.values(), payloads, strict=True)), self.curve: look.curve, self.facts: look.facts}

    def _made(self, given: dict[Component, Any], stop: threading.Event) -> Iterator[tuple[Any, Any]]:
        lang = self.page.lang
        settings = read(Generate, forms.values(self.form, given))
        asked = Asked(Verb.GENERATE, settings, str(given[self.prompt] or ""))
        entry, setup = self.chooser.chosen(given)
        seen = -1
        for told in LOOKS(asked, entry, stop=stop, setup=setup):
            if (waiting := waited(told, lang)) is not None:
                yield waiting, None
            elif told.final is not None:  # type: ignore[union-attr]
                yield None, look_of(told, asked, entry.slug, lang)  # type: ignore[arg-type]
            elif len(told.seen) > seen:  # type: ignore[union-attr]
                seen = len(told.seen)  # type: ignore[union-attr]
                if seen:
                    yield now(told, lang), None  # type: ignore[arg-type]

    def stopped(self, request: gr.Request) -> None:
        stops.stopped("inside", request)


def now(told: Told, lang: Lang) -> film.Payload:
    """The newest step alone, while the others are on their way."""
    last = told.seen[-1]
    status = text.AT_STEP.fill(i=last.index + 1, n=last.count, t=f"{last.t:.0f}")[lang]
    return {**_words(told, [last], lang), "status": status, "busy": True, "progress": (last.index + 1) / max(1, last.count)}


def look_of(told: Told, asked: Asked, model: str, lang: Lang) -> Look:
    assert told.final is not None
    payloads = tuple(json.dumps(payload, ensure_ascii=False) for payload in views(told, lang))
    facts = " · ".join(made_with(asked, model, told.final.size, lang, SKIP))
    settings = {name: value for name, value in as_values(asked.settings).items() if name not in SKIP}
    note = {"task": "inside", "model": model, "prompt": asked.prompt, "words": [word.text for word in told.words], "settings": settings}
    return Look(payloads, curve(told, lang), f'<p class="aigc-i-note">{esc(facts)}</p>', note)


def saved(latest: list[Look]) -> Path:
    """Where each word looks, step by step, as an animation that says that it was generated and how.  Raises Refusal."""
    import numpy as np
    from PIL import Image

    if not latest:
        raise Refusal(text.NOTHING_YET)
    told = json.loads(latest[0].payloads[0])
    (rows, columns, height, width), count, heads = told["tiles"], told["count"], told["cells"]
    with Image.open(io.BytesIO(base64.b64decode(told["films"][0]["src"].partition(",")[2]))) as strip:
        states = np.asarray(strip.convert("RGB")).reshape(told["states"], rows, height, columns, width, 3)
    tiles = states.transpose(0, 1, 3, 5, 2, 4).reshape(told["states"], rows * columns, 3, height, width)[:, :count]
    across = film.columns_of(count)
    frames = [outputs.sheet(each, heads, columns=across) for each in tiles]
    return outputs.animation(frames, "gif", made=True, note=latest[0].note, name="attention", fps=FRAMES_A_SECOND)


def views(told: Told, lang: Lang) -> tuple[film.Payload, film.Payload, film.Payload]:
    seen = few(told)
    looked = (text.LOOKED if len(seen) == len(told.seen) else text.LOOKED_FEWER).fill(n=len(told.seen), shown=len(seen))
    status = (" " if lang == "en" else "").join(words[lang] for words in (looked, *told.notes))
    return _words(told, seen, lang) | {"status": status}, _latents(seen, lang), _guidance(seen, lang)


def few(told: Told) -> Sequence[Seen]:
    """As many steps as a browser can take, evenly spread; of a large model a tile has 64 pixels, and each word of the prompt has one a step."""
    columns = min(1 + len(told.words), COLUMNS)
    tiles = -(-(1 + len(told.words)) // columns) * columns
    most = max(2, min(film.MOST_STATES, film.MOST_BYTES // (tiles * _rgb(told.seen[0].picture).nbytes)))
    return outputs.thinned(told.seen, most)


def _words(told: Told, seen: Sequence[Seen], lang: Lang) -> film.Payload:
    """A tile a word: the picture, bright where the word is looked at; and the share itself, alone."""
    import numpy as np

    most = np.maximum(np.stack([s.attention.flatten(1).max(1).values.numpy() for s in told.seen]).max(0), 1e-9)
    over, alone = [], []
    for s in seen:
        picture = _rgb(s.picture)
        maps = [_tile(m / top, picture.shape[0], picture.shape[1]) for m, top in zip(s.attention.numpy(), most, strict=True)]
        over.append([picture, *((picture * (0.12 + 0.88 * m[..., None])).astype(np.uint8) for m in maps)])
        alone.append([picture, *(_grey(m) for m in maps)])
    heads = [text.BELIEVES[lang], *(word.text for word in told.words)]
    layers = {"over": (text.OVER[lang], over), "alone": (text.ALONE[lang], alone)}
    return _payload(layers, heads, _captions(seen, lang))


def _latents(seen: Sequence[Seen], lang: Lang) -> film.Payload:
    states = []
    for s in seen:
        held, believed = _rgb(s.noisy), _rgb(s.picture)
        reach = 3.0 * max(1.0, float(s.latent.std()))
        channels = [_grey(_tile(c.numpy(), *held.shape[:2]) / reach / 2 + 0.5) for c in s.latent]
        states.append([held, believed, *channels[:COLUMNS]])
    heads = [text.HOLDS[lang], text.BELIEVES[lang], *(text.CHANNEL.fill(i=i + 1)[lang] for i in range(len(states[0]) - 2))]
    return _payload({"latent": ("", states)}, heads, _captions(seen, lang))


def _guidance(seen: Sequence[Seen], lang: Lang) -> film.Payload:
    if any(s.pull is None or s.without is None or s.with_it is None for s in seen):
        return {"kind": "empty", "text": text.NOT_GUIDED[lang]}
    most = max(float(s.pull.max()) for s in seen if s.pull is not None)
    states = []
    for s in seen:
        picture = _rgb(s.picture)
        pull = _grey(_tile(s.pull.numpy() / max(most, 1e-9), *picture.shape[:2]))  # type: ignore[union-attr]
        states.append([_rgb(s.without), _rgb(s.with_it), picture, pull])
    heads = [words[lang] for words in (text.WITHOUT, text.WITH, text.GUIDED, text.DIFFERENCE)]
    return _payload({"guidance": ("", states)}, heads, _captions(seen, lang))


def _payload(layers: dict[str, tuple[str, list[list[np.ndarray]]]], heads: list[str], captions: list[str]) -> film.Payload:
    """Each layer: states of tiles (H, W, 3), all of one size."""
    import numpy as np

    films, count = [], len(heads)
    columns = min(count, COLUMNS)
    for name, (label, states) in layers.items():
        sheets = [film.tiles(np.stack(tiles).transpose(0, 3, 1, 2), columns) for tiles in states]
        films.append({"name": name, "label": label, "src": film.strip(sheets)})
    height, width = states[0][0].shape[:2]
    rows = -(-count // columns)
    named = {"heads": heads} if rows == 1 else {"marks": _marks(heads, rows, columns)}
    return {
        "kind": "images", "films": films, "tiles": [rows, columns, height, width], "count": count, "states": len(captions), "captions": captions,
        "cells": heads, "made": True, "busy": False, **named,
    }  # fmt: skip


def _marks(heads: list[str], rows: int, columns: int) -> list[dict[str, Any]]:
    """Names written into the tiles, where there is more than one row of them."""
    return [{"x": (i % columns + 0.5) / columns, "y": (i // columns + 0.1) / rows, "text": head} for i, head in enumerate(heads)]


def _captions(seen: Sequence[Seen], lang: Lang) -> list[str]:
    return [text.AT_STEP.fill(i=s.index + 1, n=s.count, t=f"{s.t:.0f}")[lang] for s in seen]


def _rgb(image: Any) -> np.ndarray:
    import numpy as np
    from PIL import Image

    if image is None:
        return np.zeros((LEAST, LEAST, 3), np.uint8)
    times = max(1, -(-LEAST // min(image.size)))
    return np.asarray(image.convert("RGB").resize((image.width * times, image.height * times), Image.Resampling.NEAREST))


def _grey(values: np.ndarray) -> np.ndarray:
    """(H, W) in [0, 1] -> (H, W, 3)"""
    import numpy as np

    return np.repeat((255 * values.clip(0, 1))[..., None].astype(np.uint8), 3, 2)


def _tile(values: Tensor | np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w) in [0, 1] or any -> (height, width), by nearest neighbours."""
    import numpy as np

    values = np.asarray(values)
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    return values[rows][:, columns]


def curve(told: Told, lang: Lang) -> str:
    """Signal and noise over the steps taken, as SVG."""
    width, height = CURVE
    n = len(told.times)

    def place(i: int, v: float) -> str:
        return f"{40 + i / max(1, n - 1) * (width - 60):.1f},{height - 28 - v * (height - 44):.1f}"

    lines = ""
    for values, role, words in ((told.signal, Role.REAL, text.SIGNAL), (told.noise, Role.NOISE, text.NOISE)):
        points = " ".join(place(i, v) for i, v in enumerate(values))
        dots = "".join(f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3"/>' for p in points.split())
        x, y = place(n - 1, values[-1]).split(",")
        below = values[-1] < values[0] and values[-1] > 0.15  # where the line does not come from, and no time stands
        label = f'<text x="{float(x) - 6}" y="{float(y) + (16 if below else -8)}" text-anchor="end">{html.escape(words[lang])}</text>'
        lines += (
            f'<g style="--c:var(--aigc-{role.value});stroke:var(--c);fill:var(--c)"><polyline points="{points}" fill="none" stroke-width="1.75"/>'
        )
        lines += f'<g stroke="none">{dots}{label}</g></g>'
    marks = "".join(f'<text x="34" y="{height - 24 - v * (height - 44)}" text-anchor="end">{v:g}</text>' for v in (0, 0.5, 1))
    ends = "".join(f'<text x="{place(i, 0).split(",")[0]}" y="{height - 8}" text-anchor="middle">t = {told.times[i]:.0f}</text>' for i in {0, n - 1})
    return f'<svg class="aigc-i-curve" viewBox="0 0 {width} {height}" role="img">{marks}{ends}{lines}</svg>'

"""Explore, real images: through the bottleneck and back, or to noise and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import knobs, read
from aigc.registry.sampling import settings
from aigc.ui import forms
from aigc.ui.studio import film as films
from aigc.ui.studio.film import Film
from aigc.ui.studio.subjects import Subject, opened, subject
from aigc.ui.tabs import explore_files, explore_source
from aigc.ui.tabs.explore_room import QUIET, Made, Pace, Result, Room, at_first_sight, buttons, result_state, stage, wire
from aigc.ui.text import explore as text
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from torch import Tensor

MOST_PATHS = 8  # images on their way to noise at a time
IN_A_ROW = 4
OWN, RANDOM = "own", "random"


def draw_rebuilt(room: Room, tab: gr.Tab) -> None:
    page = room.page
    with gr.Row(elem_classes=["aigc-train"], equal_height=False):
        with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
            gr.HTML(f"<p>{page.t(text.SAYS['rebuild'])}</p>", elem_classes=["aigc-x-says"], padding=False)
            source = explore_source.draw(room)
            go = gr.Button(page.t(text.GO["rebuild"]), variant="primary")
        with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
            on, last = stage(page, "rebuild"), result_state()
            explore_files.saves(page, last, ("png", "npz"))
    _wire_others(room, source)

    def rebuild(given: dict[Component, Any]) -> Iterator[Result]:
        yield from _rebuild(room, source, given, given[room.model])

    inputs = source.inputs | {room.model}
    # the answer follows the strokes
    wire(room, rebuild, inputs, on, last, go.click, source.numbers.submit, source.drawing.change, source.file.change)
    at_first_sight(room, tab, rebuild, inputs, on, last)


def _rebuild(room: Room, source: explore_source.Source, given: dict[Component, Any], key: Any) -> Iterator[Result]:
    import torch

    from aigc.ui.studio import rebuild

    this = subject(room.info, key)
    x, labels, known = explore_source.images(room, source, given, this)
    pace = Pace(room.lang, 1)
    with opened(this) as model:
        x = x.to(model.device)
        back = rebuild.rebuilt(model, x, labels)
    words = rebuild.in_words(x, back, _average(this) if known else None)
    film = Film(this.spec)
    note = {"technique": room.info.slug, "model": this.name, "shows": "real, rebuilt" if this.spec.is_points else "real, rebuilt, difference"}
    if this.spec.is_points:
        film.add(x=back)
        arrays, real = ({"reconstructed": films.rounded(back.cpu().numpy())}, films.rounded(x.cpu().numpy()))
        made = Made(f"{this.card.slug}-rebuilt", note, film)
        yield {"kind": "points", "arrays": arrays, "real": real, "status": words[room.lang]}, made
        return
    film.add(x=torch.cat([x, back, (x - back).abs()]))
    columns = len(x) if len(x) > 1 else len(text.ROWS)  # one image alone: side by side
    made = Made(f"{this.card.slug}-rebuilt", note, film, columns=columns)
    names = {"rows" if len(x) > 1 else "heads": [r[room.lang] for r in text.ROWS]}
    shown = films.images(film, {"x": ""}, columns=columns, cells=_cells(room, this, labels, len(x)), **names)
    yield {**shown, "captions": [words[room.lang]], "status": pace.end(text.images(len(x), False))}, made


def _average(this: Subject) -> Tensor:
    from aigc.ui.studio.rebuild import average_image

    return average_image(explore_source.data_of(this))


def _cells(room: Room, this: Subject, labels: Any, n: int) -> list[str]:
    if labels is None or not this.spec.classes:
        return [text.CELL.fill(i=i + 1)[room.lang] for i in range(n)] * 3
    return [text.CELL_CLASS.fill(i=i + 1, name=this.spec.classes[int(label)])[room.lang] for i, label in enumerate(labels)] * 3


def _wire_others(room: Room, source: explore_source.Source) -> None:
    def others(key: Any) -> str:
        with forms.in_words(room.lang):
            return explore_source.others(room, subject(room.info, key))

    source.others.click(others, room.model, source.numbers, **QUIET)


# denoisers: to noise and back
def draw_path(room: Room, tab: gr.Tab) -> None:
    page, info = room.page, room.info
    with gr.Row(elem_classes=["aigc-train"], equal_height=False):
        with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
            gr.HTML(f"<p>{page.t(text.SAYS['path'])}</p>", elem_classes=["aigc-x-says"], padding=False)
            source = explore_source.draw(room)
            noise = gr.Radio([(page.t(text.OWN_NOISE), OWN), (page.t(text.RANDOM_NOISE), RANDOM)], value=OWN, label=page.t(text.NOISE))
            with gr.Accordion(page.t(text.HOW), open=False, elem_classes=["aigc-fold"]):
                form = forms.draw(page.lang, info.Sampling, fold=False)
            go, stop = buttons(page, text.GO["path"])
        with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
            on, last = stage(page, "path"), result_state()
            explore_files.saves(page, last, ("png", "gif", "mp4"))
    _wire_others(room, source)

    def travel(given: dict[Component, Any]) -> Iterator[Result]:
        asked = read(info.Sampling, forms.values(form, given))
        how = {name: getattr(asked, name) for name in knobs(info.Sampling)}
        yield from _travel(room, source, given, given[room.model], how, given[noise])

    wire(room, travel, source.inputs | form.inputs | {noise, room.model}, on, last, go.click, stop=stop)


def _travel(room: Room, source: explore_source.Source, given: dict[Component, Any], key: Any, how: dict[str, Any], noise: Any) -> Iterator[Result]:
    from aigc.ui.studio import rebuild

    if noise not in (OWN, RANDOM):
        raise Refusal(both("Choose which noise.", "请选择用哪种噪声。"))
    this = subject(room.info, key)
    x, labels, _ = explore_source.images(room, source, given, this)
    if not this.spec.is_points and len(x) > MOST_PATHS:
        raise Refusal(rebuild.TOO_MANY, n=MOST_PATHS)
    steps = int(how["steps"])
    pace, film, ways = Pace(room.lang, 2 * steps + 1), Film(this.spec), list[str]()
    with opened(this) as model:
        for way, state in rebuild.there_and_back(model, x.to(model.device), labels, how, own_noise=noise == OWN, seed=0):
            ways.append(way)
            film.add(**state)
            if (words := pace.step()) is not None:
                yield {"kind": "same", **words}, None
    note = {"technique": room.info.slug, "model": this.name, "noise": noise, **settings(how)}
    columns = min(len(x), IN_A_ROW)
    made = Made(f"{this.card.slug}-path", note, film, columns=columns)
    status = {"status": pace.end(text.images(len(x), this.spec.is_points))}
    states = film.states()
    if this.spec.is_points:
        arrays = {"points": films.rounded(film.final("x")), "paths": [films.rounded(s["x"]) for _, s in states]}
        yield {"kind": "points", "arrays": arrays, "real": films.rounded(x.numpy()), **status}, made
        return
    captions = [_where(ways, i)[room.lang] for i, _ in states]
    layers = {name: words[room.lang] for name, words in text.LAYERS.items()}
    yield {**films.images(film, layers, columns=columns, captions=captions, at=0), **status}, made


def _where(ways: list[str], index: int) -> Words:
    """How far there, or how far back."""
    there = ways.count("there")
    if index < there:
        return text.THERE.fill(share=index / max(1, there - 1))
    return text.BACK.fill(share=(index - there) / max(1, len(ways) - there - 1))

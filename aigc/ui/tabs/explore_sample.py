"""Explore, samples and the way between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import knob, knobs, read
from aigc.registry.sampling import settings
from aigc.ui import forms
from aigc.ui.forms import Form
from aigc.ui.studio import film as films
from aigc.ui.studio.film import Film
from aigc.ui.studio.subjects import Subject, opened, subject
from aigc.ui.tabs import explore_files
from aigc.ui.tabs.explore_room import (
    QUIET,
    Made,
    Pace,
    Result,
    Room,
    at_first_sight,
    buttons,
    class_choices,
    is_quick,
    result_state,
    stage,
    takes_labels,
    wire,
)
from aigc.ui.text import explore as text
from aigc.words import Refusal, both

SEED = 2**31 - 1
POINTS = 1000  # drawn of a 2-D set, where one dot says little


@dataclass(frozen=True)
class Draw:
    """What is asked for beside the technique's own sampling knobs."""

    count: int = knob(16, 1, 64, group="first", label=both("How many", "多少张"), help=both("At most 64 at a time.", "一次最多 64 张。"))
    seed: int = knob(0, 0, SEED, group="first", label=both("Seed", "随机种子"), help=both("Where the random numbers begin.", "随机数从哪里开始。"))


@dataclass(frozen=True)
class Walk:
    seed_a: int = knob(0, 0, SEED, group="first", label=both("From seed", "起点种子"), help=both("The image it starts from.", "从这张图出发。"))
    seed_b: int = knob(1, 0, SEED, group="first", label=both("To seed", "终点种子"), help=both("The image it ends at.", "走到这张图。"))
    frames: int = knob(
        16, 2, 32, group="first", label=both("Stops", "几站"), help=both("How many images on the way, the ends included.", "途中多少张图，含两端。")
    )


def draw_samples(room: Room, tab: gr.Tab) -> None:
    page, info = room.page, room.info
    with gr.Row(elem_classes=["aigc-train"], equal_height=False):
        with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
            gr.HTML(f"<p>{page.t(text.SAYS['sample'])}</p>", elem_classes=["aigc-x-says"], padding=False)
            label = gr.Dropdown([], label=page.t(text.CLASS), visible=False)
            form = forms.draw(page.lang, Draw, info.Sampling, fold=False)
            go, stop = buttons(page, text.GO["sample"])
        with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
            on, last = stage(page, "sample"), result_state()
            explore_files.saves(page, last, ("png", "npz", "gif", "mp4"))
    _follow_classes(room, label, text.ALL)
    room.follows(form.widgets["count"], lambda this: gr.update(visible=not (this and this.spec.is_points)))

    room.starts(form)

    def sample(given: dict[Component, Any]) -> Iterator[Result]:
        yield from _sample(room, form, given, given[label], given[room.model])

    inputs = form.inputs | {label, room.model}
    wire(room, sample, inputs, on, last, go.click, *([room.model.change] if is_quick(info) else []), stop=stop)
    if not is_quick(info):  # in the steps that suit the model, so once they are in the form; runs under way want the machine for themselves
        shown = wire(room, sample, inputs, on, last, room.facts.change, wanted=lambda given: str(given[room.model] or "").startswith("model:"))
        stop.click(None, None, None, cancels=[shown], **QUIET)


def _sample(room: Room, form: Form, given: dict[Component, Any], label: Any, key: Any) -> Iterator[Result]:
    from aigc.registry.sampling import label_of
    from aigc.ui.studio import make

    asked, how = _read(room, form, given, Draw)
    this = subject(room.info, key)
    count = POINTS if this.spec.is_points else asked.count
    with opened(this) as model:
        wanted = label_of(model, label)
        labels, rng = make.labels_for(model, count, wanted), make.generator(model, asked.seed)
        z = model.latents(count, rng, **how)
        film, pace = Film(this.spec), Pace(room.lang, make.steps_of(how))
        for state in make.states(model, z, labels, rng, how):
            film.add(**state)
            if (words := pace.step()) is not None:
                yield _so_far(room, film, state) | words, None
        extra = _surroundings(model, this, how, asked.seed) if this.spec.is_points else {}
    note = {"technique": room.info.slug, "model": this.name, "seed": asked.seed, **({"label": wanted} if wanted is not None else {}), **settings(how)}
    done = pace.end(text.images(count, this.spec.is_points))
    cells = _cells(room, this, count, labels)
    made = Made(f"{this.card.slug}-{asked.seed}", note, film, labels=labels, captions=[])
    yield _shown(room, film, this, extra) | {"status": done, "cells": cells}, made


def _so_far(room: Room, film: Film, state: dict[str, Any]) -> films.Payload:
    """The newest state alone, while the others are on their way."""
    if film.spec.is_points:
        return {"kind": "same"}
    now = Film(film.spec)
    now.add(**state)
    return films.images(now, _layers(room, now))


def _layers(room: Room, film: Film) -> dict[str, str]:
    present = film.states()[0][1]
    return {name: words[room.lang] for name, words in text.LAYERS.items() if name in present}


def _shown(room: Room, film: Film, this: Subject, extra: dict[str, Any]) -> films.Payload:
    states = film.states()
    if this.spec.is_points:
        arrays = {"points": films.rounded(film.final("x"))}
        if len(states) > 2:
            arrays["paths"] = [films.rounded(state["x"]) for _, state in states]
        return {"kind": "points", "arrays": {**extra["arrays"], **arrays}, "real": extra["real"], "title": this.words[room.lang]}
    total = states[-1][0]
    captions = [(text.STEP.fill(i=i, n=total) if i else text.START)[room.lang] for i, _ in states] if len(states) > 1 else []
    return films.images(film, _layers(room, film), captions=captions, title=this.words[room.lang])


def _surroundings(model: Any, this: Subject, how: dict[str, Any], seed: int) -> dict[str, Any]:
    """For points: real ones behind them, and what the model can show of itself (a critic's field, a grid of latents)."""
    from aigc.techniques.base import Shown
    from aigc.ui.studio import make

    shown = Shown(2, make.labels_for(model, 2, None), how=how)  # the points themselves are drawn elsewhere
    _, arrays = model.preview(shown, make.generator(model, seed))
    kept = {name: films.rounded(a.detach().float().cpu().numpy()) for name, a in arrays.items() if name in ("field", "extent", "grid")}
    try:
        from aigc.data.load import load

        real = films.rounded(load(this.spec.name, download=False).test_x[:1000].numpy())
    except Refusal:
        real = None
    return {"arrays": kept, "real": real}


def _cells(room: Room, this: Subject, count: int, labels: Any) -> list[str]:
    if labels is None:
        return [text.CELL.fill(i=i + 1)[room.lang] for i in range(count)]
    names = this.spec.classes
    return [text.CELL_CLASS.fill(i=i + 1, name=names[int(label)])[room.lang] for i, label in enumerate(labels)]


def _follow_classes(room: Room, label: gr.Dropdown, first: Any) -> None:
    room.follows(label, lambda this: gr.update(choices=class_choices(this, room.lang, first), value="", visible=takes_labels(this)))


def _read(room: Room, form: Form, given: dict[Component, Any], asked: type) -> tuple[Any, dict[str, Any]]:
    """What was asked, and the keywords of sampling.  Raises Refusal."""
    values = forms.values(form, given)
    mine, theirs = knobs(asked), knobs(room.info.Sampling)
    chosen = read(room.info.Sampling, {n: v for n, v in values.items() if n in theirs})
    return read(asked, {n: v for n, v in values.items() if n in mine}), {n: getattr(chosen, n) for n in theirs}


# from one seed to another
def draw_between(room: Room, tab: gr.Tab) -> None:
    page, info = room.page, room.info
    with gr.Row(elem_classes=["aigc-train"], equal_height=False):
        with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
            gr.HTML(f"<p>{page.t(text.SAYS['between'])}</p>", elem_classes=["aigc-x-says"], padding=False)
            form = forms.draw(page.lang, Walk, fold=False)
            upper = gr.Dropdown([], label=page.t(text.CLASS_A), visible=False)
            lower = gr.Dropdown([], label=page.t(text.CLASS_B), visible=False)
            with gr.Accordion(page.t(text.HOW), open=False, elem_classes=["aigc-fold"]):
                more = forms.draw(page.lang, info.Sampling, fold=False)
                room.starts(more)
            go, stop = buttons(page, text.GO["between"])
        with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
            on, last = stage(page, "between"), result_state()
            explore_files.saves(page, last, ("png", "gif", "mp4"))
    both_forms = Form(page.lang, {**form.knobs, **more.knobs}, {**form.widgets, **more.widgets})
    room.follows(upper, lambda this: gr.update(choices=class_choices(this, room.lang, text.ALL)[1:], value="0", visible=takes_labels(this)))
    _follow_classes(room, lower, text.NO_SECOND)

    def walk(given: dict[Component, Any]) -> Iterator[Result]:
        yield from _walk(room, both_forms, given, (given[upper], given[lower]), given[room.model])

    inputs = both_forms.inputs | {upper, lower, room.model}
    wire(room, walk, inputs, on, last, go.click, stop=stop)
    if is_quick(info):
        at_first_sight(room, tab, walk, inputs, on, last)


def _walk(room: Room, form: Form, given: dict[Component, Any], classes: tuple[Any, Any], key: Any) -> Iterator[Result]:
    import torch

    from aigc.registry.sampling import label_of
    from aigc.ui.studio import make

    asked, how = _read(room, form, given, Walk)
    this = subject(room.info, key)
    with opened(this) as model:
        rows = [c for c in (label_of(model, name) for name in classes) if c is not None][:2] if model.conditional else []
        z = make.between(model, asked.seed_a, asked.seed_b, asked.frames)
        many = z.repeat(max(1, len(rows)), *[1] * (z.dim() - 1))
        labels = torch.tensor(rows, device=model.device).repeat_interleave(asked.frames) if model.conditional else None
        pace = Pace(room.lang, make.steps_of(how))
        for state in make.states(model, many, labels, make.generator(model, asked.seed_a), how):
            x = state["x"]
            if (words := pace.step()) is not None:
                yield {"kind": "same", **words}, None
    frames = x.unflatten(0, (max(1, len(rows)), asked.frames)).transpose(0, 1)  # (frames, rows, *shape)
    film = Film(this.spec)
    for frame in frames:
        film.add(x=frame)
    captions = [text.BETWEEN.fill(a=i / (asked.frames - 1), x=asked.seed_a, y=asked.seed_b)[room.lang] for i in range(asked.frames)]
    note = {"technique": room.info.slug, "model": this.name, "seeds": [asked.seed_a, asked.seed_b], "labels": rows, **settings(how)}
    made = Made(f"{this.card.slug}-{asked.seed_a}-{asked.seed_b}", note, film, columns=1)
    status = {"status": pace.end(text.images(len(many), this.spec.is_points))}
    if this.spec.is_points:
        extra = _surroundings(model, this, how, 0)
        arrays = {**extra["arrays"], "points": films.rounded(film.final("x")), "paths": [films.rounded(s["x"]) for _, s in film.states()]}
        yield {"kind": "points", "arrays": arrays, "real": extra["real"], **status}, made
        return
    names = [this.spec.classes[c][room.lang] for c in rows] if len(rows) > 1 else []
    shown = films.images(film, {"x": ""}, columns=1, captions=captions, strip=True, at=0, rows=names)
    yield {**shown, **status}, made

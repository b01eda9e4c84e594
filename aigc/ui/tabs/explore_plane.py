"""Explore, the latent plane: a picture of all the places, and what stands where you click."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.ui.page import from_js
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
    class_choices,
    result_state,
    stage,
    takes_labels,
    wire,
)
from aigc.ui.telling import complaint
from aigc.ui.text import explore as text
from aigc.words import Refusal, both

log = logging.getLogger(__name__)

MARKS = 150  # test images marked at most
LATENTS_TOLD = 4


def draw(room: Room, tab: gr.Tab) -> None:
    page = room.page
    with gr.Row(elem_classes=["aigc-train"], equal_height=False):
        with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
            gr.HTML(f"<p>{page.t(text.SAYS['plane'])}</p>", elem_classes=["aigc-x-says"], padding=False)
            label = gr.Dropdown([], label=page.t(text.CLASS), visible=False)
            marks = gr.Checkbox(False, label=page.t(text.SHOW_TEST))
            here, last = stage(page, "here", large=False), result_state()
            explore_files.saves(page, last, ("png", "npz"))
        with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
            plane, whole = stage(page, "plane"), result_state()
            explore_files.saves(page, whole, ("png",))
    room.follows(label, lambda this: gr.update(choices=class_choices(this, room.lang, text.ALL)[1:], value="0", visible=takes_labels(this)))
    inputs: set[Component] = {label, marks, room.model}

    def overview(given: dict[Component, Any]) -> Iterator[Result]:
        yield from _overview(room, given[room.model], given[label], given[marks])

    wire(room, overview, inputs, plane, whole, label.input, marks.input)
    at_first_sight(room, tab, overview, inputs, plane, whole)

    def pick(key: Any, named: Any, place: Any) -> tuple[str, Any]:
        try:
            return _picked(room, key, named, from_js(place))
        except Refusal as refusal:
            return complaint(refusal.words, room.lang), gr.skip()
        except Exception:
            log.exception("explore")
            return complaint(text.UNEXPECTED, room.lang), gr.skip()

    # A finger is quicker than the answers: the place is read when the event is sent, since Gradio keeps the data of the first one that waits.
    place = gr.Textbox(visible="hidden")
    js = f"(key, named) => [key, named, document.querySelector('#view-{room.info.slug} .aigc-x-plane .aigc-x').dataset.picked]"
    plane.pick(pick, [room.model, label, place], [here, last], js=js, trigger_mode="always_last", **QUIET)


def _overview(room: Room, key: Any, named: Any, marked: Any) -> Iterator[Result]:
    from aigc.registry.sampling import label_of
    from aigc.ui.studio import make

    this = subject(room.info, key)
    with opened(this) as model:
        label = label_of(model, named) if model.conditional else None
        pace, film = Pace(room.lang, 1), Film(this.spec)
        film.add(x=make.manifold(model, label))
        marks = _marks(model, this, label) if marked is True else []
    note = {"technique": room.info.slug, "model": this.name, "plane": make.PLANE}
    made = Made(f"{this.card.slug}-plane", note, film, columns=make.PLANE)
    if this.spec.is_points:
        grid = film.final("x").reshape(make.PLANE, make.PLANE, 2)
        yield {"kind": "points", "arrays": {"grid": films.rounded(grid)}, "status": pace.end(text.images(make.PLANE**2, True))}, made
        return
    title = text.VIEWS["plane"][room.lang]
    shown = films.images(film, {"x": ""}, columns=make.PLANE, joined=True, marks=marks, pick={"x": 0.5, "y": 0.5}, title=title)
    yield {**shown, "status": pace.end(text.images(make.PLANE**2, False))}, made


def _marks(model: Any, this: Subject, label: int | None) -> list[dict[str, Any]]:
    """Test images (of the class that is shown) as their labels, where their latents lie.  Raises Refusal without the dataset."""
    from aigc.data.load import load
    from aigc.ui.studio import make
    from aigc.ui.studio.rebuild import test_images

    data = load(this.spec.name, download=False)
    indices = list(range(len(data.test_x)))
    if label is not None and data.test_labels is not None:
        indices = [i for i in indices if int(data.test_labels[i]) == label]
    x, labels = test_images(data, indices[:MARKS])
    places = make.places(model, x.to(model.device), labels if model.conditional else None).cpu()
    names = ["·"] * len(places) if labels is None else [str(int(i)) for i in labels]
    return [{"x": round(u, 4), "y": round(1 - v, 4), "text": name} for (u, v), name in zip(places.tolist(), names, strict=True)]


def _picked(room: Room, key: Any, named: Any, place: Any) -> tuple[str, Made]:
    import torch

    from aigc.registry.sampling import label_of
    from aigc.ui.studio import make

    u, v = _share(place, "x"), 1 - _share(place, "y")
    this = subject(room.info, key)
    with opened(this) as model:
        label = label_of(model, named) if model.conditional else None
        quantiles = torch.tensor([[u, v]], device=model.device)
        film = Film(this.spec)
        film.add(x=make.decoded(model, quantiles, label))
        z = [round(float(n), 2) for n in make.plane_of(model)(quantiles)[0][:LATENTS_TOLD]]
    told = ", ".join(f"{n:.2f}".replace("-", "−") for n in z) + (" …" if len(z) == LATENTS_TOLD else "")
    where = text.PLACE.fill(u=u, v=v, z=told)[room.lang]
    made = Made(f"{this.card.slug}-{u:.2f}-{v:.2f}", {"technique": room.info.slug, "model": this.name, "place": [u, v]}, film)
    if this.spec.is_points:
        return json.dumps({"kind": "points", "arrays": {"points": films.rounded(film.final("x"))}, "status": where}), made
    return json.dumps({**films.images(film, {"x": ""}), "captions": [where], "title": where}), made


def _share(place: Any, axis: str) -> float:
    """A number in [0, 1] from the browser.  Raises Refusal."""
    value = place.get(axis) if isinstance(place, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise Refusal(both("This is no place on the plane.", "这不是平面上的位置。"))
    return float(value)

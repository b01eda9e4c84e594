"""Image: pictures from pretrained pipelines, and what goes on inside one while a picture comes about."""

from __future__ import annotations

import logging
import threading

import gradio as gr
from gradio.context import Context

from aigc.pretrained import Stopped, catalogue, shelf
from aigc.pretrained.catalogue import Task
from aigc.pretrained.image.asked import Verb
from aigc.ui import visits
from aigc.ui.page import Page
from aigc.ui.tabs.explore_room import QUIET
from aigc.ui.tabs.image_api import Endpoints
from aigc.ui.tabs.image_inside import Inside
from aigc.ui.tabs.image_view import View
from aigc.ui.text import picture as text
from aigc.ui.zero_gpu import is_zero_gpu
from aigc.words import Refusal


def draw(page: Page) -> None:
    tab = Context.block
    if isinstance(tab, gr.Tab):
        tab.select(lambda: threading.Thread(target=warm, name="warm up pictures", daemon=True).start(), None, None, **QUIET)
    newest = gr.State(None, time_to_live=visits.lasting(page))  # the last picture made, whatever by
    with gr.Tabs(elem_id="view-image", selected=Verb.GENERATE.value):
        views: dict[str, View] = {}
        for verb in Verb:
            name = verb.value
            with gr.Tab(page.t(text.VIEWS[name]), id=name) as tab:
                views[name] = View(page, verb, newest)
            tab.select(None, js=f"() => aigc.viewed('image', '{name}')", api_visibility="private", queue=False)
        with gr.Tab(page.t(text.VIEWS["inside"]), id="inside") as tab:
            Inside(page)
        tab.select(None, js="() => aigc.viewed('image', 'inside')", api_visibility="private", queue=False)
    for view in views.values():
        view.leads_on(views)
    if page.lang == "en":
        Endpoints(page).draw()


def warm() -> None:
    """Somebody looks: the libraries are imported and the model that comes along is opened before the button is pressed.

    Not on ZeroGPU: what is opened there is opened in the process of each run.
    """
    entry = next((e for e in catalogue.rows(Task.TEXT_TO_IMAGE) if e.shipped), None)
    if entry is None or is_zero_gpu() or any(held.slug == entry.slug for held in shelf.held()):
        return
    try:
        from aigc.pretrained.image.kit import load

        with shelf.lent(entry, load, threading.Event()):
            pass
    except (Refusal, Stopped) as error:
        logging.getLogger(__name__).info("not warmed up: %s", error)

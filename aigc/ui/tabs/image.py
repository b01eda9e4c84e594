"""Image: pictures from pretrained pipelines, and what goes on inside one while a picture comes about."""

from __future__ import annotations

import gradio as gr

from aigc.pretrained.image.asked import Verb
from aigc.ui.page import Page
from aigc.ui.tabs.explore_room import KEEP_SECONDS
from aigc.ui.tabs.image_api import Endpoints
from aigc.ui.tabs.image_inside import Inside
from aigc.ui.tabs.image_view import View
from aigc.ui.text import picture as text


def draw(page: Page) -> None:
    newest = gr.State(None, time_to_live=KEEP_SECONDS)  # the last picture made, whatever by
    history = gr.State([], time_to_live=KEEP_SECONDS)
    with gr.Tabs(elem_id="view-image", selected=Verb.GENERATE.value):
        for verb in Verb:
            name = verb.value
            with gr.Tab(page.t(text.VIEWS[name]), id=name) as tab:
                View(page, verb, newest, history)
            tab.select(None, js=f"() => aigc.viewed('image', '{name}')", api_visibility="private", queue=False)
        with gr.Tab(page.t(text.VIEWS["inside"]), id="inside") as tab:
            Inside(page)
        tab.select(None, js="() => aigc.viewed('image', 'inside')", api_visibility="private", queue=False)
    if page.lang == "en":
        Endpoints(page).draw()

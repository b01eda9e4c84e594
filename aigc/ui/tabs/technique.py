"""One technique: train it, explore what it learnt, read how it works."""

from __future__ import annotations

import gradio as gr

from aigc.techniques import TechniqueInfo
from aigc.ui.page import Page
from aigc.ui.tabs import explore, how, train
from aigc.ui.text.train import VIEWS


def draw(page: Page, info: TechniqueInfo) -> None:
    with gr.Tabs(elem_id=f"view-{info.slug}", selected="train"):
        with gr.Tab(page.t(VIEWS["train"]), id="train") as first:
            form, data = train.draw(page, info)
        with gr.Tab(page.t(VIEWS["explore"]), id="explore") as second:
            explore.draw(page, info)
        with gr.Tab(page.t(VIEWS["how"]), id="how") as third:
            how.draw(page, info, form, data)
    for tab in (first, second, third):
        tab.select(None, js=f"() => aigc.viewed('{info.slug}', '{tab.id}')", api_visibility="private", queue=False)

"""One technique: train it, explore what it learnt, read how it works."""

from __future__ import annotations

import gradio as gr

from aigc.techniques import TechniqueInfo
from aigc.ui.page import Page
from aigc.ui.tabs import train
from aigc.ui.text.train import VIEWS


def draw(page: Page, info: TechniqueInfo) -> None:
    with gr.Tabs(elem_id=f"view-{info.slug}", elem_classes=["aigc-views-of"], selected="train"), gr.Tab(page.t(VIEWS["train"]), id="train"):
        train.draw(page, info)

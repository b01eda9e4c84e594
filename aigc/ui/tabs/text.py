"""Text: language models that continue, chat, summarise, and say what surprises them."""

from __future__ import annotations

import gradio as gr

from aigc.ui.page import Page
from aigc.ui.tabs.text_api import Endpoints
from aigc.ui.tabs.text_chat import ChatView
from aigc.ui.tabs.text_continue import ContinueView
from aigc.ui.tabs.text_perplexity import PerplexityView
from aigc.ui.tabs.text_summarise import SummariseView
from aigc.ui.text import writing as text

VIEWS = {"continue": ContinueView, "chat": ChatView, "summarise": SummariseView, "perplexity": PerplexityView}


def draw(page: Page) -> None:
    with gr.Tabs(elem_id="view-text", selected="continue"):
        for name, view in VIEWS.items():
            with gr.Tab(page.t(text.VIEWS[name]), id=name) as tab:
                view(page)
            tab.select(None, js=f"() => aigc.viewed('text', '{name}')", api_visibility="private", queue=False)
    if page.lang == "en":
        Endpoints(page).draw()

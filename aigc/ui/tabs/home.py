"""Home: what this is, four ways in, the loop, the machine, and what is going on."""

from __future__ import annotations

import gradio as gr

from aigc.ui.page import Page


def draw(page: Page) -> None:
    gr.HTML("<p>home</p>")


def brief(machine, live, lang):
    return machine.brief[lang]


def machine_now(machine, load, lang):
    return ""


def run_list(lines, lang):
    return ""

"""How it works: an article, the network that the knobs really build, and the code of the loss as it ran."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.context import Context

from aigc import data, registry
from aigc.data import DataSpec
from aigc.knobs import as_values, knobs, read
from aigc.techniques import TechniqueInfo
from aigc.ui import forms, palette
from aigc.ui.forms import Form
from aigc.ui.page import Page
from aigc.ui.text import how as text
from aigc.ui.text.articles import written
from aigc.words import Refusal, Words

MATHS = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]
FALLBACK_DATA = "digits"
CODE_FILES = 3  # the technique's own, and the formulas it calls
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2}


@dataclass
class Drawn:
    """What changes in an article when knobs do."""

    about: gr.Markdown
    diagram: gr.Markdown
    again: gr.Button
    codes: list[gr.Code]


def draw(page: Page, info: TechniqueInfo, form: Form, data_widget: Component | None = None) -> None:
    """Inside the tab of this view.  The diagram is built from the values of `form` and the dataset chosen in `data_widget`."""
    tab = Context.block
    sections = written(info, page.lang)
    if not sections:
        gr.Markdown(page.t(text.NO_ARTICLE))
        return
    article = _draw_article(page, info, sections)
    last = gr.State("")
    inputs = form.inputs | {last} | ({data_widget} if data_widget else set())

    def build(given: dict[Component, Any], request: gr.Request) -> dict[Component, Any]:
        """Builds the network once for each state of the knobs; the first time imports torch."""
        try:
            spec, config = _asked(info, form, given, data_widget)
        except Refusal as refusal:
            return {article.about: refusal.words[page.lang]}
        state = json.dumps([spec.name, as_values(config), page.is_dark(request)])
        if state == given[last]:
            return {last: gr.skip()}
        return _built(page, info, spec, config, page.is_dark(request), article) | {last: state}

    gr.on([tab.select, article.again.click], build, inputs, {article.about, article.diagram, last, *article.codes}, **QUIET)


def _draw_article(page: Page, info: TechniqueInfo, sections: dict[str, tuple[str, str]]) -> Drawn:
    with gr.Column(elem_classes=["aigc-how"]):
        gr.HTML(_contents(page, info, sections), padding=False, elem_classes=["aigc-toc"])
        for key, (title, body) in sections.items():
            _markdown(f'<h2 id="{info.slug}-{key}">{html.escape(title)}</h2>\n\n{body}')
            if key == "architecture":
                about = gr.Markdown(page.t(text.FIRST), elem_classes=["aigc-how-about"])
                diagram = gr.Markdown("", elem_classes=["aigc-diagram"])
                gr.Markdown(page.t(text.LEGEND), elem_classes=["aigc-how-about"])
                again = gr.Button(page.t(text.REDRAW), size="sm", elem_classes=["aigc-how-again"])
            if key == "code":
                codes = [_code(page.t(text.EMPTY_CODE) if i == 0 else "", visible=i == 0) for i in range(CODE_FILES)]
    return Drawn(about, diagram, again, codes)


def _code(first: str, *, visible: bool) -> gr.Code:
    return gr.Code(first, language="python", interactive=False, visible=visible, max_lines=80, wrap_lines=True)


def _asked(info: TechniqueInfo, form: Form, given: dict[Component, Any], data_widget: Component | None) -> tuple[DataSpec, Any]:
    """The dataset and the config that Train stands on now.  Raises Refusal."""
    values = forms.values(form, given)
    spec = data.spec(given[data_widget] if data_widget else FALLBACK_DATA)
    return spec, read(info.Config, {name: value for name, value in values.items() if name in knobs(info.Config)})


def _built(page: Page, info: TechniqueInfo, spec: DataSpec, config: Any, dark: bool, article: Drawn) -> dict[Component, Any]:
    from aigc.ui import architecture, source

    try:
        model = registry.build(info.slug, config, spec)
        drawn = architecture.describe(model, info, page.lang)
        found = list(source.executed(model).items())[:CODE_FILES]
    except Refusal as refusal:
        return {article.about: refusal.words[page.lang]}
    files = [gr.update(value=code, label=file, visible=True) for file, code in found]
    files += [gr.update(visible=False)] * (CODE_FILES - len(files))
    return {
        article.about: text.FOR.fill(data=spec.title)[page.lang],
        article.diagram: f"```mermaid\n{palette.mermaid(dark)}\n{drawn}\n```",
        **dict(zip(article.codes, files, strict=True)),
    }


def _markdown(body: str) -> gr.Markdown:
    return gr.Markdown(body, latex_delimiters=MATHS, sanitize_html=False)  # ours, and none of it from a visitor


def _contents(page: Page, info: TechniqueInfo, sections: dict[str, tuple[str, str]]) -> str:
    def link(key: str, title: str) -> str:
        return f'<a href="#{info.slug}-{key}">{html.escape(title)}</a>'

    label: Words = text.CONTENTS
    return f'<nav class="aigc-contents" aria-label="{html.escape(page.t(label))}">{"".join(link(k, t) for k, (t, _) in sections.items())}</nav>'

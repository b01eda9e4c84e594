"""Text, Perplexity: how much each token of a pasted text surprises a model."""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.pretrained.text.asked import TASKS, Verb, given
from aigc.ui import stops
from aigc.ui.chooser import Chooser
from aigc.ui.page import Page
from aigc.ui.tabs.explore_room import QUIET, buttons
from aigc.ui.tabs.text_kept import of_run
from aigc.ui.tabs.text_panel import SHOW_EVERY, panel, shown, tokens_of, waited
from aigc.ui.telling import complaint, guarded, newest, said
from aigc.ui.text import writing as text
from aigc.ui.zero_gpu import on_gpu

if TYPE_CHECKING:
    from aigc.pretrained.text.look import Surprise

NAME = "perplexity"
MOST_NAMED = 5
SURPRISES = on_gpu("aigc.pretrained.text.run:surprises")


class PerplexityView:
    def __init__(self, page: Page):
        self.page, t = page, page.t
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
                gr.HTML(f"<p>{t(text.SAYS[NAME])}</p>", elem_classes=["aigc-x-says"], padding=False)
                self.given = gr.Textbox(
                    t(text.A_TEXT), label=t(text.GIVEN), lines=6, max_lines=20, elem_classes=["aigc-prompt"], elem_id=f"text-{NAME}-{page.lang}"
                )
                self.go, self.stop = buttons(page, text.GO[NAME], f"text-{NAME}-go-{page.lang}")
                self.chooser = Chooser(page, TASKS[Verb.CONTINUE], "text-perplexity", anew=True)
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                self.panel = panel(page, NAME)
        self.inputs: set[Component] = {self.given, *self.chooser.inputs}
        self.chooser.follows(self.go.click(self.run, self.inputs, self.panel, **QUIET))
        self.stop.click(self.halt, None, None, **QUIET)

    def run(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[str]:
        stop, lang = stops.begun(NAME, request), self.page.lang
        run = secrets.token_hex(4)
        yield said(text.STARTING, lang, busy=True, run=run)
        for told in guarded(lambda: self._read(given_, stop), lambda words: complaint(words, lang)):
            yield of_run(told, run)

    def _read(self, given_: dict[Component, Any], stop: threading.Event) -> Iterator[str]:
        entry, setup = self.chooser.chosen(given_)
        whole = given(given_[self.given])
        for result in newest(SURPRISES(whole, entry, stop=stop, setup=setup), SHOW_EVERY):
            yield waited(result, self.page.lang) or shown(self._payload(result, entry.slug))

    def _payload(self, found: Surprise, model: str) -> dict[str, Any]:
        lang = self.page.lang
        pace = text.READ_IN.fill(n=found.count, seconds=found.seconds, ms=1000 * found.seconds / max(1, found.count))[lang]
        facts = f"{text.MODEL[lang]} {model} · {pace}" if found.is_final else ""
        status = text.READ.fill(ppl=_written(found.perplexity), bits=found.bits_per_character)[lang] if found.is_final else ""
        status = status or text.READING.fill(i=len(found.tokens), n=found.count)[lang]
        worst = sorted((t for t in found.tokens if t.p and t.text.strip()), key=lambda t: t.p or 1)[:MOST_NAMED]
        named = " · ".join(f"“{t.text.strip()}” {_bits(t.p or 1)}" for t in worst)
        columns = [{"head": "", "title": "", "before": "", "tokens": tokens_of(found.tokens), "ended": False, "facts": facts}]
        notes = [text.MOST_SURPRISING.fill(told=named)[lang]] if found.is_final and named else []
        share = len(found.tokens) / max(1, found.count)
        return {"kind": "text", "columns": columns, "colour": True, "busy": not found.is_final, "status": status, "progress": share, "notes": notes}

    def halt(self, request: gr.Request) -> None:
        stops.stopped(NAME, request)


def _written(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _bits(p: float) -> str:
    return f"{-math.log2(max(p, 1e-30)):.1f} bit"

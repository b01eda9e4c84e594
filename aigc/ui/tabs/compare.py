"""Several models side by side: the curves of their runs in one plot, and what they make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from aigc import plots, registry
from aigc.jobs.runs import Run
from aigc.registry import Entry
from aigc.techniques import Role, techniques
from aigc.ui import model_card, palette
from aigc.ui.markup import esc
from aigc.ui.page import QUIET, Page
from aigc.ui.text import live as live_text
from aigc.ui.text import models as text
from aigc.words import Refusal, Words

LEAST = 2
Series = dict[str, list[tuple[float, float, float]]]  # term -> (images, seconds, value)


class Compare:
    def __init__(self, page: Page):
        self.page, t = page, page.t
        gr.HTML(f'<h2 class="aigc-compare-title">{esc(t(text.COMPARE))}</h2><p class="aigc-note">{esc(t(text.COMPARE_INTRO))}</p>')
        with gr.Column(visible=False, elem_classes=["aigc-compare"]) as self.box:
            with gr.Row(elem_classes=["aigc-filters"]):
                self.term = gr.Dropdown([], label=t(text.CURVE), filterable=False, elem_id="compare-term")
                self.over = gr.Radio([(t(w), key) for key, w in text.AXES.items()], value="images", label=t(text.OVER), elem_id="compare-over")
                self.log = gr.Checkbox(False, label=t(text.LOG), elem_id="compare-log")
            self.plot = gr.Plot(show_label=False, elem_id="compare-plot")
            self.missing = gr.HTML("")
            self.samples = gr.HTML("", elem_id="compare-samples")
        self.theme = gr.HTML("", js_on_load="addEventListener('aigc-theme', () => trigger('click'))", elem_classes=["aigc-opener"])
        self.outputs = {self.box, self.term, self.over, self.log, self.plot, self.missing, self.samples}

    def wire(self, picked: gr.State) -> None:
        """Other axes, other curves or another theme for the same models."""

        def changed(slugs: list[str], term: str, over: str, log: bool, request: gr.Request) -> Any:
            return self._plot(_entries(slugs), term, over, log is True, self.page.is_dark(request))

        inputs = [picked, self.term, self.over, self.log]
        for event in (self.term.input, self.over.input, self.log.input, self.theme.click):
            event(changed, inputs, self.plot, trigger_mode="always_last", **QUIET)

    def shown(self, slugs: Sequence[str], request: gr.Request | None = None) -> dict[Any, Any]:
        """Everything for these models; hidden while there is nothing to compare."""
        models = _entries(slugs)
        if len(models) < LEAST:
            return {self.box: gr.update(visible=False)}
        series = {e.slug: _series(e) for e in models}
        terms = _terms(models, series)
        first = next(iter(terms), "")
        lost = [e for e in models if not series[e.slug]]
        return {
            self.box: gr.update(visible=True),
            self.term: gr.update(choices=[(words[self.page.lang], name) for name, words in terms.items()], value=first or None, visible=bool(first)),
            self.over: gr.update(visible=bool(first)),
            self.log: gr.update(visible=bool(first)),
            self.plot: gr.update(value=self._plot(models, first, "images", False, self.page.is_dark(request)), visible=bool(first)),
            self.missing: self._lost(lost, bool(first)),
            self.samples: model_card.side_by_side(models, self.page.lang),
        }

    def _plot(self, models: Sequence[Entry], term: str, over: str, log: bool, dark: bool) -> Any:
        axis = "seconds" if over == "seconds" else "images"
        curves = []
        for e in models:
            points = _series(e).get(term, [])
            curves.append(plots.Curve(e.card.name, [p[axis == "seconds"] for p in points], [p[2] for p in points]))
        look = plots.Look(palette.plotly_template(dark), palette.colour(Role.LOSS, dark), palette.colour(Role.NOISE, dark))
        label = _term_words(models, term)[self.page.lang]
        return plots.comparison(curves, x_title=self.page.t(text.AXES[axis]), y_title=label, log=log, look=look)

    def _lost(self, lost: Sequence[Entry], any_curve: bool) -> str:
        if not any_curve:
            return f'<p class="aigc-note">{esc(self.page.t(text.NO_CURVES))}</p>'
        return "".join(f'<p class="aigc-note">{esc(e.card.name)}: {esc(self.page.t(text.NO_RUN))}</p>' for e in lost)


def _entries(slugs: Sequence[str]) -> list[Entry]:
    there = {e.slug: e for e in registry.entries()}
    return [there[s] for s in slugs if s in there]


def _series(e: Entry) -> Series:
    """Every curve of the run that made a model; none if the run is gone."""
    found: Series = {}
    try:
        for event in _events(Run.open(e.card.run)):
            if event["kind"] == "step":
                for name, value in event["terms"].items():
                    if value is not None:
                        found.setdefault(name, []).append((event["images"], event["seconds"], value))
    except Refusal:
        pass  # deleted, or trained elsewhere
    return found


def _events(run: Run) -> Iterator[dict[str, Any]]:
    """The whole log: it comes in pieces."""
    events, offset = run.events()
    while events:
        yield from events
        events, offset = run.events(offset)


def _terms(models: Sequence[Entry], series: dict[str, Series]) -> dict[str, Words]:
    """The curves, those that most of these models have first, then as their techniques declare them."""
    declared = [name for e in models if e.card.technique in techniques() for name in techniques()[e.card.technique].terms]
    names = [n for n in dict.fromkeys(declared) if any(n in s for s in series.values())]
    return {n: _term_words(models, n) for n in sorted(names, key=lambda n: -sum(n in s for s in series.values()))}


def _term_words(models: Sequence[Entry], term: str) -> Words:
    """The name of a curve, with its unit where all of these models measure it in the same."""
    infos = [techniques()[e.card.technique] for e in models if e.card.technique in techniques()]
    found = [info.terms[term] for info in infos if term in info.terms]
    if not found:
        return Words(term, term)
    units, words = {t.unit for t in found}, found[0].label
    if len(units) > 1:
        return text.OTHER_UNITS.fill(name=words)
    unit = live_text.unit(found[0].unit)
    return Words(f"{words.en} ({unit.en})", f"{words.zh}（{unit.zh}）") if found[0].unit else words

"""Arena: several techniques, or several settings of one, trained on the same data for equally long and shown side by side.

The form is Gradio's; the panel beside it is the browser's own (static/arena.js), as on the Train view.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from aigc import data
from aigc.data import DataSpec
from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena
from aigc.knobs import Choice, Knob, as_values
from aigc.techniques import TechniqueInfo, techniques
from aigc.ui import forms
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.tabs.train import QUIET
from aigc.ui.text import arena as text
from aigc.ui.text import live as live_text
from aigc.ui.text import train as train_text
from aigc.words import Lang, Refusal

FIRST_DATA, FIRST_PRESET, FIRST_SECONDS = "digits", "quick", 45
PRESETS = ("quick", "good", "long", "article")
NOBODY = "nobody"  # brought no data: what is drawn before it is known who looks
LINE_LENGTH = 200  # characters of typed values


def draw(page: Page) -> None:
    Form(page)


class Form:
    """What is compared, on what, and for how long."""

    def __init__(self, page: Page):
        self.page = page
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=320, elem_classes=["aigc-form", "aigc-arena-form"]):
                self._draw()
            with gr.Column(scale=1, min_width=320, elem_classes=["aigc-result"]):
                gr.HTML(f'<div class="aigc-arena" data-lang="{page.lang}"></div>', apply_default_css=False)
        self._wire()

    # drawing
    def _draw(self) -> None:
        t, lang = self.page.t, self.page.lang
        gr.HTML(f'<h2 class="aigc-form-title">{esc(t(text.TITLE))}</h2><p class="aigc-note">{esc(t(text.INTRO))}</p>')
        self.kind = gr.Radio([(t(words), name) for name, words in text.KINDS.items()], value="contest", label=t(text.KIND), elem_id="arena-kind")
        titles = [(t(info.title), slug) for slug, info in techniques().items()]
        with gr.Column() as self.contest:
            self.techniques = gr.CheckboxGroup(titles, value=self._first(), label=t(text.TECHNIQUES), elem_id="arena-techniques")
        with gr.Column(visible=False) as self.sweep:
            self._draw_sweep(titles)
        self.data = gr.Dropdown(_data_choices(lang, NOBODY), value=FIRST_DATA, label=t(text.DATA), filterable=False, elem_id="arena-data")
        self.seconds = gr.Number(FIRST_SECONDS, label=t(text.SECONDS), info=t(text.SECONDS_HELP), elem_id="arena-seconds")
        self.told = gr.HTML(self._told(len(self._first()), FIRST_SECONDS))
        with gr.Row(elem_classes=["aigc-start"]):
            self.go = gr.Button(t(text.START), variant="primary", size="lg", elem_classes=["aigc-go"], elem_id="arena-start")
        with gr.Accordion(t(text.MORE), open=False, elem_classes=["aigc-fold"]):
            presets = [(t(train_text.preset(name)), name) for name in PRESETS]
            self.preset = gr.Dropdown(presets, value=FIRST_PRESET, label=t(text.PRESET), info=t(text.PRESET_HELP), filterable=False)
            self.name = gr.Textbox(label=t(text.NAME), info=t(text.NAME_HELP), max_length=arenas.NAME_LENGTH, elem_id="arena-name")
        self.count = gr.Textbox("0", visible="hidden")  # of arenas started from this page: a double click is the same one
        self.started = gr.Textbox(visible="hidden")

    def _draw_sweep(self, titles: list[tuple[str, str]]) -> None:
        t, lang = self.page.t, self.page.lang
        first = next(iter(techniques().values()))
        self.technique = gr.Dropdown(titles, value=first.slug, label=t(text.TECHNIQUE), filterable=False, elem_id="arena-technique")
        choices = _knob_choices(first, lang)
        spec, knob = data.spec(FIRST_DATA), _first_knob(first)
        values = suggested(first, spec, FIRST_PRESET, knob)
        help = t(text.VALUES_HELP)
        # Custom values: what may be chosen follows the technique, and Gradio would complain of a value that crossed its own list on the way.
        free: dict[str, Any] = {"allow_custom_value": True}
        self.across = gr.Dropdown(choices, value=knob, label=t(text.ACROSS), elem_id="arena-across", **free)
        self.values_across = gr.Textbox(values, label=t(text.VALUES), info=help, max_length=LINE_LENGTH, elem_id="arena-values-across")
        self.down = gr.Dropdown([(t(text.NO_SECOND), ""), *choices], value="", label=t(text.DOWN), elem_id="arena-down", **free)
        self.values_down = gr.Textbox("", label=t(text.VALUES), info=help, max_length=LINE_LENGTH, visible=False, elem_id="arena-values-down")

    def _first(self) -> list[str]:
        """All techniques, or as many as may wait here."""
        return list(techniques())[: self.page.supervisor.limits.waiting or None]

    # events
    def _wire(self) -> None:
        what: set[Component] = {self.kind, self.techniques, self.technique, self.across, self.values_across, self.down, self.values_down}
        inputs = what | {self.data, self.seconds, self.preset, self.name, self.count}
        self.kind.input(self.turned, inputs, {self.contest, self.sweep, self.told}, **QUIET)
        self.technique.input(self.other_technique, inputs, {self.across, self.values_across, self.down, self.values_down, self.told}, **QUIET)
        self.across.input(self.other_across, inputs, {self.values_across, self.told}, **QUIET)
        self.down.input(self.other_down, inputs, {self.values_down, self.told}, **QUIET)
        for widget in (self.techniques, self.values_across, self.values_down, self.seconds):
            widget.input(self.counted, inputs, {self.told}, trigger_mode="always_last", **QUIET)
        self.data.focus(self.refreshed, None, self.data, **QUIET)
        js = "(...given) => { window.aigc?.arena?.begin(); return given; }"
        sent = self.go.click(self.start, inputs, {self.started, self.count}, js=js, **QUIET)
        sent.success(None, [self.started], None, js="(id) => { window.aigc?.arena?.show(id); }", **QUIET)
        sent.failure(None, None, None, js="() => { window.aigc?.arena?.refused(); }", **QUIET)

    def start(self, given: dict[Component, Any], request: gr.Request) -> dict[Component, Any]:
        """Puts every run of it into the line and answers at once."""
        count = int(given[self.count]) if str(given[self.count]).isdecimal() else 0
        with forms.in_words(self.page.lang):
            key = f"{request.session_hash}-arena-{count}"
            made = arenas.start(self.page.supervisor, self._draft(given), self.page.owner(request), key=key, name=given[self.name])
        return {self.started: made.id, self.count: str(count + 1)}

    def turned(self, given: dict[Component, Any]) -> dict[Any, Any]:
        sweep = given[self.kind] == "sweep"
        return {self.contest: gr.update(visible=not sweep), self.sweep: gr.update(visible=sweep), **self.counted(given)}

    def other_technique(self, given: dict[Component, Any]) -> dict[Any, Any]:
        """Other knobs to choose from; a second one is chosen anew."""
        info = techniques().get(str(given[self.technique]))
        if info is None:
            return {self.told: ""}
        choices, first = _knob_choices(info, self.page.lang), _first_knob(info)
        new = {self.across: first, self.values_across: self._suggested(given, first), self.down: "", self.values_down: ""}
        return {
            self.across: gr.update(choices=choices, value=first),
            self.values_across: new[self.values_across],
            self.down: gr.update(choices=[(self.page.t(text.NO_SECOND), ""), *choices], value=""),
            self.values_down: gr.update(value="", visible=False),
            **self.counted({**given, **new}),
        }

    def other_across(self, given: dict[Component, Any]) -> dict[Any, Any]:
        values = self._suggested(given, given[self.across])
        return {self.values_across: values, **self.counted({**given, self.values_across: values})}

    def other_down(self, given: dict[Component, Any]) -> dict[Any, Any]:
        values = self._suggested(given, given[self.down])
        update = gr.update(value=values, visible=bool(given[self.down]))
        return {self.values_down: update, **self.counted({**given, self.values_down: values})}

    def counted(self, given: dict[Component, Any]) -> dict[Any, Any]:
        """How many runs that would be, or what is missing."""
        try:
            draft = self._draft(given)
        except Refusal as refusal:
            return {self.told: f'<p class="aigc-will-take">{esc(self.page.t(refusal.words))}</p>'}
        return {self.told: self._told(len(draft.cells), draft.seconds)}

    def refreshed(self, request: gr.Request) -> Any:
        """What this visitor brought may have come since the page was drawn."""
        return gr.update(choices=_data_choices(self.page.lang, self.page.owner(request) or None))

    # what they show
    def _draft(self, given: dict[Component, Any]) -> Arena:
        """Raises Refusal."""
        where = (given[self.data], given[self.seconds])
        if given[self.kind] != "sweep":
            return arenas.contest(*where, given[self.techniques], str(given[self.preset]))
        axes = [(given[self.across], given[self.values_across])]
        if given[self.down]:
            axes.append((given[self.down], given[self.values_down]))
        return arenas.sweep(*where, given[self.technique], axes, str(given[self.preset]))

    def _told(self, n: int, seconds: float) -> str:
        """How long it will take, and what is the most here."""
        t = self.page.t
        lines = [text.WILL_TAKE.fill(n=n, each=live_text.duration(seconds), all=live_text.duration(n * seconds))]
        most = self.page.supervisor.limits.waiting
        lines += [text.WILL_BE.fill(n=most)] if most is not None else []
        return "".join(f'<p class="aigc-will-take">{esc(t(words))}</p>' for words in lines)

    def _suggested(self, given: dict[Component, Any], knob: object) -> str:
        info, known = techniques().get(str(given[self.technique])), data.specs()
        if info is None or str(given[self.data]) not in known or not isinstance(knob, str) or knob not in arenas.swept(info):
            return ""
        return suggested(info, known[str(given[self.data])], str(given[self.preset]), knob)


def _data_choices(lang: Lang, owner: str | None) -> list[tuple[str, str]]:
    return [(f"{spec.title[lang]} · {train_text.there(data.availability(name))[lang]}", name) for name, spec in data.specs(owner).items()]


def _knob_choices(info: TechniqueInfo, lang: Lang) -> list[tuple[str, str]]:
    """Those that matter most first, as in the form of Train."""
    known = arenas.swept(info)
    return [(k.label[lang], name) for name, k in sorted(known.items(), key=lambda pair: pair[1].group != "first")]


def _first_knob(info: TechniqueInfo) -> str:
    return next((name for name, k in arenas.swept(info).items() if k.group == "first"), next(iter(arenas.swept(info))))


def suggested(info: TechniqueInfo, spec: DataSpec, preset: str, name: str) -> str:
    """Values worth trying: every choice, or what the preset has with something smaller and something larger beside it."""
    k = arenas.swept(info)[name]
    try:
        config, options = info.read({}, spec, preset)
        now = (as_values(config) | as_values(options))[name]
    except Refusal:
        now = arenas.plain(k.default)
    return ", ".join(str(v) if not isinstance(v, float) else f"{v:g}" for v in _around(k, now))


def _around(k: Knob, now: Any) -> list[Any]:
    if issubclass(k.kind, Choice):
        return [m.value for m in k.kind][: arenas.MOST_VALUES]
    if k.kind is bool:
        return ["no", "yes"]
    low, high = k.low if k.low is not None else 0.0, k.high if k.high is not None else 4 * (now or 1)
    wanted = [now / 4, now, now * 4] if now > 0 else [low, min(high, low + 0.1 * (high - low)), min(high, low + 0.3 * (high - low))]
    inside = [min(high, max(low, float(f"{v:.3g}"))) for v in wanted]
    return list(dict.fromkeys(round(v) if k.kind is int else v for v in inside))

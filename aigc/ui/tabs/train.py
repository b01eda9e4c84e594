"""Train: on the left what may be changed, on the right what happens.

The form is Gradio's; the panel beside it is the browser's own (static/live.js), so that showing a training never waits for an event.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc import data
from aigc.jobs.request import Request
from aigc.jobs.runs import Run
from aigc.knobs import as_values, knobs, read
from aigc.options import Options
from aigc.techniques import TechniqueInfo
from aigc.ui import forms
from aigc.ui.forms import Form
from aigc.ui.page import QUIET, Page
from aigc.ui.text import train as text
from aigc.words import Lang, Refusal

FIRST_DATA, FIRST_PRESET = "digits", "quick"
NOBODY = "nobody"  # brought no data: what is drawn before it is known who looks
DEVICES = ("auto", "cpu", "cuda", "mps")
# The address asks for something of this form: when it is drawn, and when a link of the page has led here.
TOLD_JS = """
const told = () => {
  const query = new URLSearchParams(location.search);
  if (query.get('tab') === 'SLUG' && ['run', 'data', 'preset'].some((name) => query.has(name))) trigger('click');
};
told();
addEventListener('aigc-told', ({ detail }) => detail.view === 'train' && told());"""


@dataclass
class Dial:
    """The widgets beside the knobs."""

    data: gr.Dropdown
    about: gr.HTML
    preset: gr.Radio
    count: gr.Textbox  # of runs started from this page: with the page's own name it makes a double click the same run
    run: gr.Textbox  # the run that was started, for the panel
    asked: gr.Textbox  # what the address asks for
    go: gr.Button | None = None
    name: gr.Textbox | None = None
    device: gr.Dropdown | None = None


def draw(page: Page, info: TechniqueInfo) -> tuple[Form, Component]:
    """-> the form, and the widget in which the data are chosen"""
    with gr.Row(elem_classes=["aigc-train"], equal_height=False):
        with gr.Column(scale=0, min_width=320, elem_classes=["aigc-form"]):
            dial, form = _draw_form(page, info)
        with gr.Column(scale=1, min_width=320, elem_classes=["aigc-result"]):
            gr.HTML(f'<div class="aigc-live" data-technique="{info.slug}" data-lang="{page.lang}"></div>', apply_default_css=False)
    _wire_dial(page, info, dial, form)
    _wire_start(page, info, dial, form)
    _wire_live_knobs(info, form)
    return form, dial.data


def _draw_form(page: Page, info: TechniqueInfo) -> tuple[Dial, Form]:
    t, spec = page.t, data.spec(FIRST_DATA)
    dial = Dial(
        data=gr.Dropdown(_data_choices(page.lang, NOBODY), value=spec.name, label=t(text.DATA), filterable=False, elem_classes=["aigc-data"]),
        about=gr.HTML(_about(spec, page.lang), elem_classes=["aigc-about"], apply_default_css=False),
        preset=gr.Radio(_preset_choices(info, spec, page.lang), value=FIRST_PRESET, label=t(text.PRESET), elem_classes=["aigc-preset"]),
        count=gr.Textbox("0", visible="hidden"),
        run=gr.Textbox(visible="hidden"),
        asked=gr.Textbox(visible="hidden"),
    )

    def go() -> None:
        with gr.Row(elem_classes=["aigc-start"]):
            dial.go = gr.Button(t(text.TRAIN), variant="primary", size="lg", elem_classes=["aigc-go"])

    def more() -> None:
        dial.name = gr.Textbox(label=t(text.NAME), info=t(text.NAME_HELP), max_length=63)
        dial.device = gr.Dropdown(list(DEVICES), value="auto", label=t(text.DEVICE), info=t(text.DEVICE_HELP), filterable=False)

    start = _preset_values(info, spec, FIRST_PRESET)
    return dial, forms.draw(page.lang, info.Config, Options, values=start, after={"first": go, "run": more}, technique=info.slug)


# the dial fills the form
def _wire_dial(page: Page, info: TechniqueInfo, dial: Dial, form: Form) -> None:
    shown = {dial.data, dial.about, dial.preset, form.folds["augmentation"], *form.inputs}

    def turned(given: dict[Component, Any]) -> dict[Component, Any]:
        with forms.in_words(page.lang):
            return _filled(info, data.spec(given[dial.data]), given[dial.preset], page.lang, dial, form)

    def opened(request: gr.Request) -> str:
        """What a link asks for: the query of the address, if it is about this form."""
        query = request.query_params
        asks = query.get("tab") == info.slug and {"run", "data", "preset"} & set(query)
        return json.dumps({name: query[name] for name in ("run", "data", "preset") if name in query}) if asks else ""

    def asked(wanted: str, request: gr.Request) -> dict[Component, Any]:
        try:
            name, preset, values = _asked(info, json.loads(wanted))
            spec = data.specs(page.owner(request) or None)[name]
            filled = _filled(info, spec, preset, page.lang, dial, form) | (forms.fill(form, values) if values else {})
        except (Refusal, KeyError, ValueError):
            return {dial.asked: ""}  # a link to what is no longer there: the form stays as it is
        filled[dial.preset] = gr.update(value=preset) | filled[dial.preset]
        return filled | {dial.data: gr.update(choices=_data_choices(page.lang, page.owner(request) or None), value=spec.name)}

    def refreshed(request: gr.Request) -> Any:
        """What this visitor brought may have come since the page was drawn."""
        return gr.update(choices=_data_choices(page.lang, page.owner(request) or None))

    # the last turn counts, also when the answer to the one before is still on its way; until it has come nothing can be started
    dialled = {dial.data, dial.preset}
    busy, free = (f"window.aigc?.live?.{name}('{info.slug}', given);" for name in ("filling", "filled"))
    turning = [dial.data.input, dial.preset.input]
    js = f"(...given) => {{ {busy} return given; }}"
    filling = gr.on(turning, turned, dialled, shown, js=js, trigger_mode="always_last", **QUIET)
    filling.then(None, dialled, None, js=f"(...given) => {{ {free} }}", **QUIET)
    dial.data.focus(refreshed, None, dial.data, **QUIET)
    told = gr.HTML("", js_on_load=TOLD_JS.replace("SLUG", info.slug), elem_classes=["aigc-opener"])
    told.click(opened, None, dial.asked, **QUIET).then(asked, dial.asked, shown | {dial.asked}, **QUIET)


def _asked(info: TechniqueInfo, query: dict[str, str]) -> tuple[str, str, dict[str, Any]]:
    """(data, preset, values) that a link asks for; with a run, how that is trained by now.  Raises Refusal."""
    if query.get("run"):
        run = Run.open(query["run"])
        if (request := run.request).technique == info.slug:
            now, mine, common = run.knobs_now(), knobs(info.Config), knobs(Options)
            config, options = (read(kind, {n: v for n, v in now.items() if n in its}) for kind, its in ((info.Config, mine), (Options, common)))
            return request.data, request.preset, as_values(config) | as_values(options)
    return query.get("data", FIRST_DATA), query.get("preset", FIRST_PRESET), {}


def _filled(info: TechniqueInfo, spec: data.DataSpec, preset: str, lang: Lang, dial: Dial, form: Form) -> dict[Component, Any]:
    """The rest of the dial, and the form, for a preset of this data.  Raises Refusal."""
    choices = _preset_choices(info, spec, lang)
    known = preset in [name for _, name in choices]
    preset = preset if known else choices[0][1]
    # a choice that can stay is not sent back: by now the hand may have turned on
    turn = gr.update(choices=choices) if known else gr.update(choices=choices, value=preset)
    augmented = {form.folds["augmentation"]: gr.update(visible=not spec.is_points)}  # points have no sides to be turned about
    return {dial.about: _about(spec, lang), dial.preset: turn, **augmented, **forms.fill(form, _preset_values(info, spec, preset))}


def _preset_values(info: TechniqueInfo, spec: data.DataSpec, preset: str) -> dict[str, Any]:
    config, options = info.read({}, spec, preset)
    return as_values(config) | as_values(options)


def _preset_choices(info: TechniqueInfo, spec: data.DataSpec, lang: Lang) -> list[tuple[str, str]]:
    """("Quick look · 45 s", "quick"): what each preset takes stands beside its name."""
    costs = {name: text.costs(info.read({}, spec, name)[1])[lang] for name in info.presets(spec)}
    return [(f"{text.preset(name)[lang]} · {cost}", name) for name, cost in costs.items()]


def _data_choices(lang: Lang, owner: str | None) -> list[tuple[str, str]]:
    """Every dataset that `owner` may use (None: whatever is here), and where it is."""
    return [(f"{spec.title[lang]} · {text.there(data.availability(name))[lang]}", name) for name, spec in data.specs(owner).items()]


def _about(spec: data.DataSpec, lang: Lang) -> str:
    """What the data are, whose, and under which licence; titles and credits may come from a user, so everything is escaped."""
    whose = " · ".join(html.escape(part) for part in (spec.licence, spec.credit) if part)
    return f'<p>{html.escape(text.about(spec)[lang])}</p><p class="aigc-credit">{whose}</p>'


# starting
def _wire_start(page: Page, info: TechniqueInfo, dial: Dial, form: Form) -> None:
    assert dial.go and dial.name and dial.device
    name, device = dial.name, dial.device
    mine = knobs(info.Config)

    def start(given: dict[Component, Any], request: gr.Request) -> dict[Component, Any]:
        """Puts the run into the line and answers at once."""
        count = int(given[dial.count]) if str(given[dial.count]).isdecimal() else 0
        with forms.in_words(page.lang):
            values = forms.values(form, given)
            run = page.supervisor.submit(
                Request(
                    technique=info.slug,
                    data=str(given[dial.data]),
                    config={n: v for n, v in values.items() if n in mine},
                    options={n: v for n, v in values.items() if n not in mine},
                    name=str(given[name] or "").strip(),
                    preset=str(given[dial.preset] or ""),
                    device=str(given[device]),
                    owner=page.owner(request),
                ),
                key=f"{request.session_hash}-{info.slug}-{count}"[:80],
            )
        return {dial.run: run.id, dial.count: str(count + 1)}

    inputs = form.inputs | {dial.data, dial.preset, name, device, dial.count}
    js = f"(...given) => {{ window.aigc?.live?.begin('{info.slug}'); return given; }}"
    sent = dial.go.click(start, inputs, {dial.run, dial.count}, js=js, **QUIET)
    sent.success(None, [dial.run], None, js=f"(id) => {{ window.aigc?.live?.show('{info.slug}', id); }}", **QUIET)
    sent.failure(None, None, None, js=f"() => {{ window.aigc?.live?.refused('{info.slug}'); }}", **QUIET)


# turning knobs while it trains
def _wire_live_knobs(info: TechniqueInfo, form: Form) -> None:
    """Only what a hand has moved is sent, when the hand rests, and by the browser itself: it knows which run is shown."""
    for name, k in form.knobs.items():
        widget = form.widgets[name]
        if not k.live:
            continue
        js = f"(value) => {{ window.aigc?.live?.turn('{info.slug}', '{name}', value); }}"
        for event in ("submit", "blur") if isinstance(widget, gr.Number) else ("input",):
            getattr(widget, event)(None, [widget], None, js=js, **QUIET)

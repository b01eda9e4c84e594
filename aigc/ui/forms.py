"""A form from the declarations of knobs, and its values back again: one widget a knob, no second place that knows names or bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.jobs.files import full_in_words
from aigc.knobs import GROUPS, Choice, Knob, ModelName, knobs, read_value, said
from aigc.registry import autoencoders, starts, teachers
from aigc.ui.text.shell import REFUSED
from aigc.words import Lang, Refusal, Words, both

LIVE = both("Can be changed while training.", "训练中可以改。")
NO_MODEL = both("none", "无")
MODELS: dict[str, Callable[[str], list[str]]] = {  # which models a knob of this technique can name
    "latents": lambda technique: autoencoders(),
    "teacher": lambda technique: teachers(),
    "start": starts,
}
SLIDER_STEPS = 1000  # a slider with more whole numbers than this cannot be aimed with a mouse: a number box instead
WIDE = 200.0  # the same for fractions: the widest span that a slider covers


@dataclass(frozen=True)
class Offer:
    """Numbers that a form offers by words, and its own help; a program may ask for others."""

    help: Words
    values: tuple[tuple[int, Words], ...]


@dataclass(frozen=True)
class Form:
    """The widgets of some configs, by the names of their knobs."""

    lang: Lang
    knobs: dict[str, Knob]
    widgets: dict[str, Component] = field(default_factory=dict)
    technique: str = ""  # whose models are offered
    folds: dict[str, gr.Accordion] = field(default_factory=dict)  # by group, those that begin closed
    offers: Mapping[str, Offer] = field(default_factory=dict)  # by knob

    @property
    def inputs(self) -> set[Component]:
        """What an event hands over, as a set, so that its handler gets one dict."""
        return set(self.widgets.values())


@contextmanager
def in_words(lang: Lang) -> Iterator[None]:
    """A refusal inside, or a full disk, becomes the page's own message, in its language and without a traceback in the log."""
    try:
        with full_in_words():
            yield
    except Refusal as refusal:
        raise gr.Error(refusal.words[lang], title=REFUSED[lang], print_exception=False) from None


def an_object(settings: Any) -> dict[str, Any]:
    """The settings that a program sent; nothing is none of them.  Raises Refusal."""
    if settings is not None and not isinstance(settings, dict):
        raise Refusal(both("Settings are an object of names and values.", "设置应为名称到取值的对象。"))
    return settings or {}


def draw(
    lang: Lang,
    *configs: type,
    values: Mapping[str, Any] | None = None,
    fold: bool = True,
    skip: Collection[str] = (),
    after: Mapping[str, Callable[[], None]] | None = None,
    technique: str = "",
    offers: Mapping[str, Offer] | None = None,
) -> Form:
    """Widgets for the knobs of `configs` where the caller's layout stands: the group "first" open, the others folded.

    `values` start the form off in place of the defaults.  `fold=False` shows all of them, one below the other.
    `after`: by group, what draws the caller's own widgets at its end.  `technique`: whose models the knobs that name one offer.
    `offers`: by knob, numbers that are chosen by words.
    """
    known, offers = {name: k for config in configs for name, k in knobs(config).items() if name not in skip}, offers or {}
    known |= {name: replace(known[name], help=offer.help) for name, offer in offers.items() if name in known}
    form = Form(lang, known, technique=technique, offers=offers)
    start = defaults(form) | dict(values or {})
    after = after or {}
    for group, title in GROUPS.items():
        members = [k for k in form.knobs.values() if k.group == group]
        if not members and group not in after:
            continue
        open_ = group == "first" or not fold
        if not open_:
            form.folds[group] = gr.Accordion(title[lang], open=False, elem_classes=["aigc-fold"])
        with form.folds.get(group) or nullcontext():
            _draw_all(form, members, start)
            after.get(group, _nothing)()
    _wire(form)
    return form


def _nothing() -> None: ...


def defaults(form: Form) -> dict[str, Any]:
    return {name: k.default for name, k in form.knobs.items()}


def values(form: Form, given: Mapping[Any, Any]) -> dict[str, Any]:
    """The form's dict of inputs as {knob: typed value}; a knob that is not shown has no say and is left out.

    Raises Refusal, naming the first knob that is wrong.
    """
    raw = {name: given[widget] for name, widget in form.widgets.items() if widget in given}
    return {name: read_value(form.knobs[name], raw[name]) for name in raw if is_shown(form, name, raw)}


def fill(form: Form, new: Mapping[str, Any]) -> dict[Component, Any]:
    """What an event gives back so that the form shows `new`, and everywhere else the defaults."""
    full = defaults(form) | dict(new)
    updates = {}
    for name, widget in form.widgets.items():
        update = gr.update(value=as_shown(form.knobs[name], full[name]))
        if form.knobs[name].when:  # only then: for every visibility it is told, Gradio walks over the whole page
            update["visible"] = is_shown(form, name, full)
        if name in form.offers:
            update["choices"] = _offered(form, name, full[name])
        updates[widget] = update
    return updates


def is_shown(form: Form, name: str, now: Mapping[str, Any]) -> bool:
    """Whether the knobs that `name` depends on, and those that they depend on, have the values it asks for."""
    k = form.knobs[name]
    if k.when is None or k.when[0] not in form.knobs:
        return True
    above, wanted = k.when
    try:
        value = read_value(form.knobs[above], now.get(above, form.knobs[above].default))
    except Refusal:
        return True  # the knob above is half typed: nothing moves until it can be read
    return value in wanted and is_shown(form, above, now)


def as_shown(k: Knob, value: Any) -> Any:
    """A knob's value as its widget holds it.  Raises Refusal if it is no value of this knob."""
    value = read_value(k, value)
    if isinstance(value, Choice):
        return value.value
    return _written(value) if _has_ladder(k) else value


def _draw_all(form: Form, members: list[Knob], start: Mapping[str, Any]) -> None:
    for k in members:
        form.widgets[k.name] = _widget(form, k, as_shown(k, start[k.name]), is_shown(form, k.name, start))


def _widget(form: Form, k: Knob, value: Any, visible: bool) -> Component:
    lang = form.lang
    space = "" if lang == "zh" else " "
    common: dict[str, Any] = {
        "label": k.label[lang],
        "info": k.help[lang] + (space + LIVE[lang] if k.live else ""),
        "value": value,
        "visible": visible,
        "interactive": True,
        "elem_classes": ["aigc-knob", f"aigc-knob-{k.name}"],
    }
    if issubclass(k.kind, Choice):
        return _choice([(m.words[lang], m.value) for m in k.kind], common)
    if k.name in form.offers:
        return _choice(_offered(form, k.name, value), common)
    if k.kind is bool:
        return gr.Checkbox(**common)
    if k.kind is ModelName:
        return gr.Dropdown(choices=_models(form, k.name), allow_custom_value=True, **common)
    if _has_ladder(k):
        common["elem_classes"].append("aigc-ladder")  # static/ladder.js
        return gr.Dropdown(choices=ladder(k), allow_custom_value=True, **common)
    if (step := slider_step(k)) is not None:
        return gr.Slider(k.low, k.high, step=step, **common)  # type: ignore[arg-type]
    return gr.Number(**common)  # no minimum here: a refusal in our own words is better than Gradio's


def _models(form: Form, name: str) -> list[tuple[str, str]]:
    """What the knob called `name` offers."""
    return [(NO_MODEL[form.lang], ""), *((slug, slug) for slug in MODELS[name](form.technique))]


def _offered(form: Form, name: str, value: Any) -> list[tuple[str, Any]]:
    """What is offered, and the value itself, where a program or another form asked for one beside it."""
    found = {n: words[form.lang] for n, words in form.offers[name].values}
    value = read_value(form.knobs[name], value)
    return [(words, n) for n, words in sorted(({value: said(value, form.lang)} | found).items())]


def _choice(choices: list[tuple[str, Any]], common: dict[str, Any]) -> Component:
    if len(choices) <= 3 and sum(len(label.encode()) for label, _ in choices) <= 36:  # fits one line of the narrow column
        return gr.Radio(choices=choices, **common)
    return gr.Dropdown(choices=choices, filterable=False, **common)


def _has_ladder(k: Knob) -> bool:
    return k.log and k.kind in (int, float) and k.low is not None and k.high is not None


def ladder(k: Knob) -> list[str]:
    """The steps offered for a logarithmic knob: powers of two for whole numbers, 1-2-5 a decade for fractions."""
    low, high = k.low or 0.0, k.high or 0.0
    if k.kind is int:
        steps: list[float] = [2**i for i in range(64)]
    else:
        steps = [m * 10.0**e for e in range(-12, 12) for m in (1, 2, 5)]
    inside = [float(f"{s:.6g}") for s in steps if low <= s <= high]
    return [_written(int(s) if k.kind is int else s) for s in inside]


def slider_step(k: Knob) -> float | None:
    """The step of a slider over this knob, or None where a number box is kinder to the hand."""
    if k.low is None or k.high is None or k.kind not in (int, float):
        return None
    span = k.high - k.low
    if k.kind is int:
        return 1 if 0 < span <= SLIDER_STEPS else None
    if not 0 < span <= WIDE:
        return None
    return 10.0 ** math.floor(math.log10(span / 200))


def _written(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else repr(value)


def _wire(form: Form) -> None:
    """Knobs appear and vanish with the one they depend on; models trained since the page was made are offered too."""
    for name, widget in form.widgets.items():
        if form.knobs[name].kind is ModelName:
            widget.focus(lambda name=name: gr.update(choices=_models(form, name)), None, widget, show_progress="hidden", api_visibility="private")  # type: ignore[attr-defined]
    for above in {k.when[0] for k in form.knobs.values() if k.when and k.when[0] in form.knobs}:
        below = {name: form.widgets[name] for name in form.knobs if _depends(form, name, above)}
        inputs = {form.widgets[name] for name in {above, *_above(form, below)}}

        def show(given: dict[Any, Any], below: dict[str, Component] = below) -> dict[Component, Any]:
            now = {name: given[widget] for name, widget in form.widgets.items() if widget in given}
            return {widget: gr.update(visible=is_shown(form, name, now)) for name, widget in below.items()}

        form.widgets[above].change(  # type: ignore[attr-defined]
            show, inputs, set(below.values()), show_progress="hidden", api_visibility="private", concurrency_limit=None
        )


def _depends(form: Form, name: str, above: str) -> bool:
    when = form.knobs[name].when
    return when is not None and when[0] in form.knobs and (when[0] == above or _depends(form, when[0], above))


def _above(form: Form, names: Collection[str]) -> set[str]:
    """Every knob that decides whether one of `names` is shown."""
    return {other for other in form.knobs for name in names if _depends(form, name, other)}
